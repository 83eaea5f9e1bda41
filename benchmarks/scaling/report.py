"""Writes down what was measured, what the model makes of it, and where each limit is, for docs/scaling.md."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from statistics import median
from typing import Any

from benchmarks.medians import middle, ratio
from benchmarks.report import grid, number
from benchmarks.scaling.contestants import LABELS, ROLES
from benchmarks.scaling.model import (
    ROOM,
    Cost,
    Fitted,
    Load,
    cores,
    limits,
    price_of_a_million,
    rows_per_second,
)
from benchmarks.scaling.points import Measured, cost_of_server, fitted, points_of_race, points_of_scaling
from benchmarks.scaling.race import WORKLOADS

Run = Mapping[str, Any]
NOT_YET = "Not measured yet: `make bench-ray` measures it, in five minutes on an idle machine of two cores."
WITHIN = 0.2
"""How far the simulation may be off what was measured."""
_NOTHING = "-"
_OF_COSTS = (
    "Seconds of one core, in µs: for a reply, for each further token of it, and for each write; a token that comes "
    "alone is a write. Bytes are those of a stream that says nothing."
)
_PARTS = ("server", "proxy", "ingress", "replica", "store")


def markdown(race: Mapping[str, Any], scaling: Mapping[str, Any] | None) -> str:
    """Give the text."""
    ways = ways_of(race, scaling)
    points = [*points_of_race(race), *(points_of_scaling(scaling) if scaling else ())]
    parts = [
        "### Workers and Ray, measured",
        *(_measured(scaling) if scaling else [NOT_YET]),
        "### What each part costs",
        _OF_COSTS,
        _costs(ways),
        "### The simulation against what was measured",
        _against(points),
        of_load(ways, Load(streams=100_000)),
    ]
    return "\n\n".join(part for part in parts if part)


def of_load(ways: Mapping[str, Fitted], load: Load, price: float | None = None) -> str:
    """Tell what a load takes, where each limit is, and what a million tokens cost; without a price, by an example."""
    told = (
        "With a core-hour at 1, an example and no price of anybody's:"
        if price is None
        else f"With a core-hour at {price:g}:"
    )
    about = (
        f"A stream says {load.rate:g} tokens a second, {load.tokens:g} in a reply, each in a write of its own; a "
        f"process is kept {ROOM:.0%} busy at most. The program's own work is no part of it."
    )
    parts = [
        f"### Towards {load.streams:,.0f} streams",
        about,
        _capacity(ways, load),
        *(_limits(way, fit, load) for way, fit in ways.items()),
        "### What a million tokens cost",
        told,
        _price(ways, load, 1.0 if price is None else price),
    ]
    return "\n\n".join(parts)


def ways_of(race: Mapping[str, Any], scaling: Mapping[str, Any] | None) -> dict[str, Fitted]:
    """Give what each way to serve costs."""
    return {"One process of `mserve run`": _of_race(race)} | _ways(scaling)


def _of_race(race: Mapping[str, Any]) -> Fitted:
    held = [run["bytes"] for run in race["runs"] if (run["workload"], run["contender"]) == ("idle-1", "ours")]
    return Fitted(costs={"server": cost_of_server(race)}, bytes_by={"server": median(held)} if held else {})


def _ways(scaling: Mapping[str, Any] | None) -> dict[str, Fitted]:
    if scaling is None:
        return {}
    found = fitted(scaling)
    names = {
        "kept": "The same, each stream kept in PostgreSQL",
        "ray": "`mserve deploy`",
        "haproxy": "`mserve deploy`, with Ray's HAProxy",
    }
    return {label: found[kind] for kind, label in names.items() if kind in found}


# What was measured.


def _measured(scaling: Mapping[str, Any]) -> Iterator[str]:
    machine = "; ".join(f"{name}: {value}" for name, value in scaling["machine"].items())
    part = "" if scaling["is_full"] else " **A part of the race, and no measurement to go by.**"
    yield (
        f"{scaling['date']}. {machine}. {scaling['rounds']} rounds in an order drawn anew in each; medians, and ratios "
        "within each round. All processes share all cores, the client's and an idle Ray cluster's, too. All tokens "
        f"were checked, one by one.{part}"
    )
    yield "Tokens in a second, and as times one worker:"
    yield _table(scaling, WORKLOADS, lambda runs, base: f"{number(_middle(runs, _rate))}{_times(runs, base)}")
    yield "First token, p50 / p99 in ms:"
    yield _table(scaling, [name for name, what in WORKLOADS.items() if what.stream], lambda runs, _: _first(runs))
    yield "CPU for a token, in µs, by part; of two workers or replicas, both together:"
    yield _by_part(scaling)
    yield _share(scaling)
    yield from (
        f"{LABELS[name]} could not be started: `{' '.join(why.split())[-200:]}`"
        for name, why in scaling["absent"].items()
    )
    wrong = [run for run in scaling["runs"] if "wrong" in run]
    if wrong:
        told = (
            f"- {LABELS[run['contestant']]}, {run['workload']}, round {run['round'] + 1}: {run['wrong']}"[:300]
            for run in wrong
        )
        yield "Runs that went wrong:\n\n" + "\n".join(told)


def _table(scaling: Mapping[str, Any], workloads: Iterable[str], cell: Callable[[list[Run], list[Run]], str]) -> str:
    workloads = list(workloads)
    head = ("", *(WORKLOADS[name].label for name in workloads))
    body = (
        (LABELS[name], *(cell(_runs(scaling, name, w), _runs(scaling, "workers-1", w)) for w in workloads))
        for name in LABELS
        if name not in scaling["absent"]
    )
    return grid(head, body)


def _by_part(scaling: Mapping[str, Any]) -> str:
    body = []
    for name in LABELS:
        for workload in ("burst-64", "paced-50"):
            runs = _runs(scaling, name, workload)
            costs = [_middle(runs, lambda run, role=role: run["cpu_by"].get(role, 0) / run["tokens"]) for role in ROLES]  # type: ignore[misc]
            if runs:
                cells = (number(cost * 1e6) if cost else _NOTHING for cost in costs)
                body.append((LABELS[name], WORKLOADS[workload].label, *cells))
    return grid(("", "", *ROLES[:-1], "Ray's own housekeeping"), body)


def _share(scaling: Mapping[str, Any]) -> str:
    """Name the proxy's share: of the time that is spent, and of the tokens that come."""
    said = []
    for workload in ("burst-64", "paced-50"):
        runs, without = _runs(scaling, "ray-1", workload), _runs(scaling, "direct-1", workload)
        share = _middle(runs, lambda run: run["cpu_by"].get("proxy", 0) / sum(run["cpu_by"].values()))
        rate, other = _middle(runs, _rate), _middle(without, _rate)
        if share is not None and rate and other:
            more = f"the ingress asked without it answers {other / rate:.2f} times as many tokens"
            said.append(f"{WORKLOADS[workload].label}: {share:.0%} of the CPU is the proxy's, and {more}")
    return f"**Ray's proxy**: {'; '.join(said)}." if said else ""


def _runs(scaling: Mapping[str, Any], name: str, workload: str) -> list[Run]:
    return [
        run for run in scaling["runs"] if (run["contestant"], run["workload"]) == (name, workload) and run.get("tokens")
    ]


def _rate(run: Run) -> float:
    return float(run["tokens"] / run["seconds"])


def _middle(runs: Iterable[Run], measure: Callable[[Run], float]) -> float | None:
    return middle([measure(run) for run in runs])


def _times(runs: Iterable[Run], base: Iterable[Run]) -> str:
    above, below = ({run["round"]: _rate(run) for run in some} for some in (runs, base))
    times = ratio(above, below)
    return "" if times is None else f" ({times:.2f})"


def _first(runs: list[Run]) -> str:
    seen = [run for run in runs if run["first"]]
    values = (_middle(seen, lambda run, part=part: run["first"][part] * 1e3) for part in ("p50", "p99"))  # type: ignore[misc]
    return " / ".join(map(number, values))


# What the model makes of it.


def _costs(ways: Mapping[str, Fitted]) -> str:
    body = [
        (
            way,
            part,
            *(number(value * 1e6) for value in (cost.request, cost.token, cost.write)),
            number(fit.bytes_by.get(part)),
        )
        for way, fit in ways.items()
        for part, cost in _in_order(fit)
    ]
    return grid(("", "part", "a reply", "a token", "a write", "bytes"), body)


def _in_order(fit: Fitted) -> Iterator[tuple[str, Cost]]:
    return ((part, fit.costs[part]) for part in _PARTS if part in fit.costs)


def _against(points: Iterable[Measured]) -> str:
    body = []
    for point in points:
        rate = point.simulated().rate
        off = rate / point.rate - 1
        body.append(
            (point.label, number(point.rate), number(rate), f"{off:+.0%}" if abs(off) <= WITHIN else f"**{off:+.0%}**")
        )
    return grid(("", "tokens/s", "simulated", "off"), body)


def _capacity(ways: Mapping[str, Fitted], load: Load) -> str:
    streams = f"{load.streams:,.0f}"
    body = [
        (
            way,
            number(load.streams / cores(load, fit.costs.values())),
            number(cores(load, fit.costs.values())),
            number(sum(fit.bytes_by.values()) * load.streams / 2**30) if fit.bytes_by else _NOTHING,
            f"{rows_per_second(load):,.0f}" if "store" in fit.costs else "0",
        )
        for way, fit in ways.items()
    ]
    head = ("", "streams for each core", f"cores for {streams}", f"GiB for {streams}", "rows/s in the store")
    return grid(head, body)


def _limits(way: str, fit: Fitted, load: Load) -> str:
    found = limits(load, dict(_in_order(fit)), fit.bytes_by)
    body = ((limit.what, f"{limit.streams:,.0f}", f"{limit.count(load.streams):,}", limit.more) for limit in found)
    head = ("limit", "streams", f"how many for {load.streams:,.0f}", "what to add")
    return f"{way}, the nearest limit first:\n\n" + grid(head, body)


def _price(ways: Mapping[str, Fitted], load: Load, price: float) -> str:
    body = ((way, f"{price_of_a_million(load, fit.costs.values(), price):.3g}") for way, fit in ways.items())
    return grid(("", "a million tokens"), body)
