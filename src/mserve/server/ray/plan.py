"""What is deployed, as plain values: Ray's own config carries them, and each replica is made from them alone."""

from logging.config import dictConfig

from msgspec import Struct

from mserve.options import Options
from mserve.server.logs import LogFormat, logging_config

ENVIRONMENT = {
    "RAY_SERVE_USE_GRPC_BY_DEFAULT": "1",  # between ingress and replica: half of what a message costs as Ray's object
    "RAY_SERVE_RUN_USER_CODE_IN_SEPARATE_THREAD": "0",  # nothing that runs there blocks its loop
    "RAY_SERVE_RUN_ROUTER_IN_SEPARATE_LOOP": "0",
    "RAY_SERVE_REQUEST_PATH_LOG_BUFFER_SIZE": "1000",
}
"""What Ray advises where throughput counts, as far as replicas decide it. Its proxies are the cluster's."""


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A program: where it lies, seen from the folder that travels to the cluster, and how clients call it."""

    source: str
    name: str


class Scale(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many replicas there are, and what each of them takes."""

    replicas: int = 1
    most: int | None = None
    """With it, so many at most, as running streams ask for, and `replicas` at least."""
    target: float = 100.0
    """Running streams that each is to have, where their number is not fixed."""
    up_after: float = 10.0
    """Seconds that there have to be more streams than that."""
    down_after: float = 300.0
    """Seconds that there have to be less."""
    cpus: float = 1.0
    gpus: float = 0.0


class Logs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How replicas log; Ray collects it."""

    level: str = "info"
    format: LogFormat = "text"
    access: bool = True

    def set_up(self) -> None:
        """Log so from now on."""
        dictConfig(logging_config(self.level, self.format, access=self.access))


class Plan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An application: some programs behind one ingress."""

    programs: tuple[Part, ...]
    options: Options
    scale: Scale = Scale()
    ingress: Scale = Scale()
    logs: Logs = Logs()
    connections: int = 10_000
    """Requests that one replica of the ingress has open at once."""
    patience: float = 600.0
    """Seconds that the streams of a replica get to end, once it is to go."""

    def processors(self) -> float:
        """Give the processors that all of it takes of a cluster, with as many replicas as it may have."""
        scale, ingress = self.scale, self.ingress
        each = scale.cpus * (scale.replicas if scale.most is None else scale.most)
        return each * len(self.programs) + ingress.cpus * ingress.replicas
