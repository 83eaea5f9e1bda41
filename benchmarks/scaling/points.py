"""Reads what was measured: what each part costs, and each point again as the simulation has it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.scaling.contestants import LABELS, ROLES
from benchmarks.scaling.model import Cost, Fitted, Point, fit
from benchmarks.scaling.race import WORKLOADS
from benchmarks.scaling.simulate import Asked, Part, Seen, Simulation
from benchmarks.workloads import STREAMS

Run = Mapping[str, Any]
_OF_RACE = {
    "burst-16": Asked(streams=16, tokens=200),
    "burst-64": Asked(streams=64, tokens=200),
    "whole-64": Asked(streams=64, tokens=20),
    "paced": Asked(streams=500, tokens=100, pause=0.02, ramp=2.0),
}
_WARM = 0.3
_KEEPS_UP = 0.85
"""What comes of what is asked, at least, where each token has a write of its own."""
_ONE = {"workers": "workers-1", "kept": "kept-1", "ray": "ray-1", "haproxy": "haproxy-1", "direct": "direct-1"}

_CLUSTERS = ("ray", "haproxy")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One point: what was asked of what, and what came."""

    label: str
    asked: Asked
    rate: float
    busy: float
    """Cores that served, the client's left out."""
    parts: Sequence[Part]
    cores: float

    warm: float
    seconds: float

    def simulated(self) -> Seen:
        """Give what the simulation says of the same seconds."""
        simulation = Simulation(self.parts, self.asked, cores=self.cores)
        return simulation.run(self.seconds, self.asked.ramp + self.warm)


def cost_of_server(race: Mapping[str, Any]) -> Cost:
    """Give what a token, a reply and a write cost one server, by the race against others."""
    return fit([_point(asked, run, run["cpu"]) for asked, run in _runs_of_race(race)])


def points_of_race(race: Mapping[str, Any]) -> Iterator[Measured]:
    """Give the points of the race against others: one core for the server, one for the client."""
    runs = list(_runs_of_race(race))
    parts = [
        Part(name="client", cost=fit([_point(asked, run, _client(run)) for asked, run in runs])),
        Part(name="server", cost=cost_of_server(race)),
    ]
    for asked in dict.fromkeys(asked for asked, _ in runs):
        some = [run for other, run in runs if other == asked]
        yield Measured(
            label=f"mserve on one core, {_words(asked)}",
            asked=asked,
            rate=_median(some, lambda run: run["tokens"] / run["seconds"]),
            busy=_median(some, lambda run: run["cpu"] / run["seconds"]),
            parts=parts,
            cores=2,
            warm=_WARM,
            seconds=min(1.0, some[0]["seconds"]),
        )


def fitted(scaling: Mapping[str, Any]) -> dict[str, Fitted]:
    """Give what each way to serve costs by its parts: of one worker, one replica, and so on."""
    return {kind: _fitted(scaling, name) for kind, name in _ONE.items() if list(_runs(scaling, name))}


def points_of_scaling(scaling: Mapping[str, Any]) -> Iterator[Measured]:
    """Give the points of workers and Ray: all processes on all cores, the client, too.

    What is asked of two workers or replicas is told from the costs of one.
    """
    found = fitted(scaling)
    for name, label in LABELS.items():
        kind, _, count = name.rpartition("-")
        if kind not in found:
            continue
        client = fit([_point(_asked(run), run, _client(run)) for run in _steady(scaling, name)])
        parts = [Part(name="client", cost=client), *_parts(found[kind], int(count))]
        for workload, what in WORKLOADS.items():
            some = [run for run in _runs(scaling, name) if run["workload"] == workload]
            if some:
                yield Measured(
                    label=f"{label}: {what.label}",
                    asked=_asked(some[0]),
                    rate=_median(some, lambda run: run["tokens"] / run["seconds"]),
                    busy=_median(some, lambda run: sum(_served(run).values()) / run["seconds"]),
                    parts=parts,
                    cores=float(scaling["machine"]["cores"]) - _rest(some) - _others(found, kind),
                    warm=what.warm,
                    seconds=some[0]["seconds"],
                )


def _parts(fitted: Fitted, count: int) -> list[Part]:
    """Give the parts on the way to the program; the ingress and the proxy are one, however many replicas there are."""
    return [
        Part(name=role, cost=fitted.costs[role], processes=count if role in ("server", "replica") else 1)
        for role in _WAY
        if role in fitted.costs
    ]


_WAY = ("proxy", "ingress", "replica", "store", "server")


def _fitted(scaling: Mapping[str, Any], name: str) -> Fitted:
    steady = list(_steady(scaling, name))
    roles = [role for role in ROLES if role != "rest" and any(run["cpu_by"].get(role) for run in steady)]
    costs = {role: fit([_point(_asked(run), run, run["cpu_by"].get(role, 0)) for run in steady]) for role in roles}
    idle = [run for run in scaling["runs"] if run["contestant"] == name and "bytes_by" in run]
    return Fitted(
        costs=costs,
        bytes_by=idle[0]["bytes_by"] if idle else {},
        at_rest=sum(idle[0]["at_rest"].values()) if idle else 0.0,
    )


def _runs(scaling: Mapping[str, Any], name: str) -> Iterator[Run]:
    for run in scaling["runs"]:
        if run["contestant"] == name and run.get("tokens") and run["workload"] in WORKLOADS:
            yield run


def _steady(scaling: Mapping[str, Any], name: str) -> Iterator[Run]:
    """Give the runs whose tokens each had a write of their own, or none: of others nobody knows how many there were."""
    for run in _runs(scaling, name):
        asked = _asked(run)
        if not asked.pause or run["tokens"] / run["seconds"] > _KEEPS_UP * asked.streams / asked.pause:
            yield run


def _asked(run: Run) -> Asked:
    what = WORKLOADS[run["workload"]]
    return Asked(streams=what.streams, tokens=what.tokens, pause=what.pause, ramp=what.ramp)


def _runs_of_race(race: Mapping[str, Any]) -> Iterator[tuple[Asked, Run]]:
    for run in race["runs"]:
        if run["contender"] != "ours" or not run.get("tokens"):
            continue
        if run["workload"] in _OF_RACE:
            yield _OF_RACE[run["workload"]], run
        elif run["workload"] == "length-burst":
            yield Asked(streams=16, tokens=run["size"]), run
        elif run["workload"] == "streams":
            yield Asked(streams=run["size"], tokens=10_000, pause=STREAMS[run["size"]], ramp=STREAMS[run["size"]]), run


def _point(asked: Asked, run: Run, seconds: float) -> Point:
    return Point(asked.tokens, asked.writes, seconds / run["tokens"] * asked.tokens)


def _client(run: Run) -> float:
    return float(run["client_busy"] * run["seconds"])


def _served(run: Run) -> dict[str, float]:
    return {role: cpu for role, cpu in run["cpu_by"].items() if role != "rest"}


def _rest(runs: Sequence[Run]) -> float:
    return _median(runs, lambda run: run["cpu_by"].get("rest", 0.0) / run["seconds"])


def _others(found: Mapping[str, Fitted], kind: str) -> float:
    """Give the cores that idle clusters keep busy meanwhile: those that have no part in it."""
    own = "ray" if kind == "direct" else kind
    return sum(fit.at_rest for other, fit in found.items() if other in _CLUSTERS and other != own)


def _median(runs: Sequence[Run], measure: Callable[[Run], float]) -> float:
    return median(measure(run) for run in runs)


def _words(asked: Asked) -> str:
    how = f"a token every {asked.pause * 1000:g} ms" if asked.pause else "without a pause"
    return f"{asked.streams} streams, replies of {asked.tokens:,} tokens, {how}"
