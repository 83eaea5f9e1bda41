"""What mserve has to reach in the race, and whether it did."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.medians import difference, middle, unevenness
from benchmarks.summary import Run, Summary, cost, cost_of_token, first, gap, held, rate


@dataclass(frozen=True)
class Target:
    """One number that has to be reached."""

    what: str
    value: float | None
    """What was measured; None where nothing was."""
    must: float
    aim: float | None = None
    at_most: bool = False
    unit: str = ""

    @property
    def met(self) -> bool | None:
        """Whether it is reached; None where nothing was measured."""
        return None if self.value is None else self._reaches(self.must)

    @property
    def met_aim(self) -> bool:
        """Whether even the aim is reached."""
        return self.value is not None and self.aim is not None and self._reaches(self.aim)

    def _reaches(self, bound: float) -> bool:
        assert self.value is not None  # noqa: S101  # for the type checker
        return self.value <= bound if self.at_most else self.value >= bound


_RATES: dict[str, tuple[float, float | None, float, float]] = {  # times `m serve`, share of the raw socket; with aims
    "burst-16": (15, 25, 0.6, 0.9),
    "tick-16": (8, 12, 0.55, 0.75),
    "tick-64": (5, 7, 0.5, 0.7),
    "whole-1": (2, None, 0.6, 0.8),
    "whole-64": (7, 10, 0.35, 0.5),
}


def targets(summary: Summary) -> Iterator[Target]:
    """Give all of them."""
    for workload, (times, aimed_times, share, aimed_share) in _RATES.items():
        value = summary.ratio(workload, "ours", "m-serve", rate)
        yield Target(f"{workload}, times `m serve`", value, times, aimed_times)
        value = summary.ratio(workload, "ours", "raw", rate)
        yield Target(f"{workload}, share of the raw socket", value, share, aimed_share)
    yield from _paced(summary)
    yield from _memory(summary)
    yield from _flatness(summary)
    yield from _workers(summary)


def _paced(summary: Summary) -> Iterator[Target]:
    value = summary.ratio("paced", "ours", "m-serve", cost)
    yield Target("paced, CPU per token, of `m serve`'s", value, 0.55, at_most=True)
    for what, measure, must in (
        ("gap p99", gap("p99"), 25),
        ("first token p50", first("p50"), 3),
        ("first token p99", first("p99"), 25),
    ):
        seconds = summary.median("paced", "ours", measure)
        yield Target(f"paced, {what}", _times(seconds, 1000), must, at_most=True, unit="ms")


def _memory(summary: Summary) -> Iterator[Target]:
    for messages in (1, 100):
        value = summary.ratio(f"idle-{messages}", "ours", "m-serve", held)
        yield Target(
            f"idle stream, {messages} message{'s' * (messages > 1)}, of `m serve`'s", value, 0.65, 0.45, at_most=True
        )
    value = summary.median("idle-many", "ours", lambda run: float(run["held"] - run["lost"]))
    yield Target("idle streams held", value, 10_000)


def _flatness(summary: Summary) -> Iterator[Target]:
    for kind in ("burst", "tick"):
        costs = summary.by_size(f"length-{kind}", lambda run: run["size"] * cost_of_token(run))
        value = unevenness(costs)[1] if len(costs) > 2 else None
        yield Target(
            f"{kind}, marginal cost of a token off its line, 100 to 10,000",
            _times(value, 100),
            15,
            at_most=True,
            unit="%",
        )
    costs = summary.by_size("streams", cost)
    value = difference(list(costs.values())) if len(costs) > 1 else None
    yield Target("cost of a token, 16 to 1,000 streams apart", _times(value, 100), 25, at_most=True, unit="%")


def _workers(summary: Summary) -> Iterator[Target]:
    one, two = (summary.rounds(f"workers-{count}", "ours", rate) for count in (1, 2))
    value = middle([two[number] / one[number] for number in two if one.get(number)])
    yield Target("two workers, times one", value, 1.25)
    alone = summary.rounds("workers-1", "ours", _apart)
    both = summary.rounds("workers-2", "ours", _apart)
    yield Target(
        "each worker's CPU per token, off one alone",
        _times(_off(alone, both, summary), 100),
        10,
        at_most=True,
        unit="%",
    )


def _apart(run: Run) -> float:
    return float(max(process["cpu"] / process["tokens"] for process in run["processes"]))


def _off(alone: dict[int, float], both: dict[int, float], summary: Summary) -> float | None:
    """Give how far the worker that differs most is off, as a part."""
    least = summary.rounds("workers-2", "ours", lambda run: min(p["cpu"] / p["tokens"] for p in run["processes"]))
    offs = [max(abs(both[n] / alone[n] - 1), abs(least[n] / alone[n] - 1)) for n in both if alone.get(n)]
    return middle(offs)


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
