"""Reads a race's numbers: medians over its rounds, and ratios within each round."""

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.medians import middle, ratio
from benchmarks.workloads import WORKLOADS, is_limited_by_client

Run = Mapping[str, Any]
Measure = Callable[[Run], float]


_UNPAUSED = {name for name, workload in WORKLOADS.items() if workload.streams > 1} - {"paced"}


def rate(run: Run) -> float:
    """Tokens or replies in a second."""
    return float(run[_counts(run)] / run["seconds"])


def cost(run: Run) -> float:
    """Give the server's seconds for a token or a reply."""
    return float(run["cpu"] / run[_counts(run)])


def cost_of_token(run: Run) -> float:
    """Give the server's seconds for a token."""
    return float(run["cpu"] / run["tokens"])


def first(part: str) -> Measure:
    """Give what reads a part of the spread of the seconds until a first token."""
    return lambda run: float(run["first"][part])


def gap(part: str) -> Measure:
    """Give what reads a part of the spread of the gaps between tokens."""
    return lambda run: float(run["gaps"][part])


def busy(whose: str) -> Measure:
    """Give what reads how much of its core the server used, or the client."""
    return lambda run: float(run[f"{whose}_busy"])


def held(run: Run) -> float:
    """Give the bytes for each idle stream."""
    return float(run["bytes"])


def _counts(run: Run) -> str:
    workload = WORKLOADS.get(run["workload"])
    return workload.counts if workload else "tokens"


class Summary:
    """A race, as it can be asked."""

    def __init__(self, race: Mapping[str, Any]) -> None:
        self.race = race
        self._runs: list[Run] = race["runs"]

    def runs(self, workload: str, contender: str) -> list[Run]:
        """Give the runs of a workload by a contender."""
        return [run for run in self._runs if (run["workload"], run["contender"]) == (workload, contender)]

    def rounds(self, workload: str, contender: str, measure: Measure) -> dict[int, float]:
        """Give what each round measured; those left out that went wrong, or brought nothing."""
        found = {}
        for run in self.runs(workload, contender):
            try:
                found[run["round"]] = measure(run)
            except (KeyError, ZeroDivisionError):
                continue
        return found

    def median(self, workload: str, contender: str, measure: Measure) -> float | None:
        """Give the median over the rounds."""
        return middle(list(self.rounds(workload, contender, measure).values()))

    def ratio(self, workload: str, contender: str, other: str, measure: Measure) -> float | None:
        """Give the median of the ratios within each round."""
        return ratio(self.rounds(workload, contender, measure), self.rounds(workload, other, measure))

    def by_size(self, workload: str, measure: Measure) -> dict[int, float]:
        """Give the medians for each size that ours was measured with."""
        by_size: dict[int, list[float]] = {}
        for run in self.runs(workload, "ours"):
            if run.get("tokens"):
                by_size.setdefault(run["size"], []).append(measure(run))
        return {size: value for size, values in by_size.items() if (value := middle(values)) is not None}

    def wrong(self) -> list[str]:
        """Tell of each run whose output was not what it had to be."""
        found = (run for run in self._runs if "wrong" in run)
        return [f"{run['contender']}, {run['workload']}, round {run['round'] + 1}: {run['wrong']}" for run in found]

    def idlers(self) -> tuple[int, int]:
        """Tell how many runs that ask without a pause left both cores idle in part, and of how many."""
        asked = [run for run in self._runs if run["workload"] in _UNPAUSED and "server_busy" in run]
        return sum(max(run["server_busy"], run["client_busy"]) < 0.9 for run in asked), len(asked)

    def is_limited(self, workload: str, contender: str) -> bool:
        """Tell whether the client was the limit in any round."""
        return any(is_limited_by_client(run) for run in self.runs(workload, contender) if "tokens" in run)
