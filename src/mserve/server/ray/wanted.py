"""Where to deploy, and on how much: what only `mserve deploy` has flags for. Knows no Ray."""

from dataclasses import dataclass, fields

from mserve.errors import StartupError
from mserve.server.ranges import check_ranges, flag_of

from .plan import Scale

_DAY = 24 * 60 * 60
_RANGES = {
    "replicas": (1, 100_000),
    "target_runs": (0.01, 1_000_000),
    "upscale_delay": (0, _DAY),
    "downscale_delay": (0, _DAY),
    "cpus": (0, 10_000),
    "gpus": (0, 10_000),
    "ingress_replicas": (1, 100_000),
    "ingress_cpus": (0, 10_000),
}
_OF_AUTOSCALE = ("target_runs", "upscale_delay", "downscale_delay")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Where to deploy, and on how much.

    Attributes
    ----------
    address
        The cluster, as Ray names it; by default this machine's, or one that is started and ends with this command.
    app
        The application's name: one of the same name is updated, and its streams may end.
    route_prefix
        The path that the application is found under.
    replicas
        How many replicas each program has.
    autoscale
        As MIN:MAX, how many each has by the streams that run.
    target_runs
        Running streams that each replica is to have, with --autoscale.
    upscale_delay
        Seconds that there have to be more, before there is another replica.
    downscale_delay
        Seconds that there have to be less, before there is one less.
    cpus
        Processors that each replica takes of its node.
    gpus
        Graphics cards that each replica takes of its node.
    ingress_replicas
        How many replicas speak to clients.
    ingress_cpus
        Processors that each of those takes.

    """

    address: str | None = None
    app: str = "mserve"
    route_prefix: str = "/"
    replicas: int | None = None
    autoscale: str | None = None
    target_runs: float = 100.0
    upscale_delay: float = 10.0
    downscale_delay: float = 300.0
    cpus: float = 1.0
    gpus: float = 0.0
    ingress_replicas: int = 1
    ingress_cpus: float = 1.0

    def check(self) -> None:
        """Refuse what makes no sense, or would say nothing: `StartupError`."""
        check_ranges(self, _RANGES)
        if not self.app:
            raise StartupError("--app takes a name")
        if not self.route_prefix.startswith("/"):
            raise StartupError(f"--route-prefix begins with /, as in /llm, not {self.route_prefix!r}")
        if self.autoscale is not None and self.replicas is not None:
            raise StartupError("--replicas is a number that stays, and --autoscale one that does not: say one of them")
        for field in fields(self):
            if self.autoscale is None and field.name in _OF_AUTOSCALE and getattr(self, field.name) != field.default:
                raise StartupError(f"{flag_of(field.name)} says something with --autoscale MIN:MAX alone")

    def scale(self) -> Scale:
        """Give how many replicas a program has; `StartupError` for what is no number of them."""
        if self.autoscale is None:
            return self._scale(1 if self.replicas is None else self.replicas, None)
        least, _, most = self.autoscale.partition(":")
        if not (least.isdecimal() and most.isdecimal() and int(least) <= int(most) > 0):
            raise StartupError(f"--autoscale takes MIN:MAX, as in 1:4, MIN the smaller one, not {self.autoscale!r}")
        return self._scale(int(least), int(most))

    def ingress(self) -> Scale:
        """Give how many replicas the ingress has."""
        return Scale(replicas=self.ingress_replicas, cpus=self.ingress_cpus)

    def _scale(self, least: int, most: int | None) -> Scale:
        return Scale(
            replicas=least,
            most=most,
            target=self.target_runs,
            up_after=self.upscale_delay,
            down_after=self.downscale_delay,
            cpus=self.cpus,
            gpus=self.gpus,
        )
