"""Writes a race down: a page in Markdown, whose prose outside of two marks stays, and what the charts need."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.contestants import CONTENDERS
from benchmarks.summary import Summary, busy, cost, cost_of_token, first, gap, held, rate
from benchmarks.targets import Target, targets
from benchmarks.workloads import WORKLOADS

BEGIN = "<!-- written by make bench: begin -->"
END = "<!-- written by make bench: end -->"
CHARTS = {
    "throughput": "Times `m serve`, by workload",
    "paced": "Gaps between tokens, 500 streams with a token every 20 ms",
    "memory": "Memory of an idle stream",
    "length": "Cost of a token, by the length of a reply",
    "streams": "Cost of a token, by the number of streams",
}
_NOTHING = "-"
_EXPLANATION = (
    "In a second, and as times `m serve` and as a share of the raw socket. Tokens, and replies of 20 tokens each where "
    "nothing streams or tools are sent along."
)
_STREAMED = [name for name, workload in WORKLOADS.items() if workload.stream]


def write(page: Path, text: str) -> None:
    """Put a text between the marks of a page; a page that has none gets them at its end."""
    old = page.read_text() if page.exists() else "# Performance\n"
    before, _, rest = old.partition(BEGIN)
    after = rest.partition(END)[2] or "\n"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(f"{before.rstrip()}\n\n{BEGIN}\n{text}\n{END}{after}")


def markdown(summary: Summary, charts: Sequence[str]) -> str:
    """Give the text."""
    parts = [
        _circumstances(summary),
        "### Must reach",
        must_reach(summary),
        "### Throughput",
        _EXPLANATION,
        _throughput(summary),
        _chart("throughput", charts),
        "### Server's CPU, in µs for a token; for a reply where replies are counted",
        _table(summary, WORKLOADS, lambda workload, name: number(_micro(summary.median(workload, name, cost)))),
        "### How busy the server's core was, and the client's",
        _table(summary, WORKLOADS, partial(_busy, summary)),
        "### First token, p50 / p99 in ms",
        _table(summary, _STREAMED, lambda workload, name: _pair(summary, workload, name, first("p50"), first("p99"))),
        "### Paced: 500 streams, a token every 20 ms",
        _paced(summary),
        _chart("paced", charts),
        "### Memory of an idle stream, in bytes",
        _memory(summary),
        _chart("memory", charts),
        "### mserve, as replies get longer and streams more",
        _flatness(summary),
        _chart("length", charts),
        _chart("streams", charts),
        *_workers(summary),
        *_remarks(summary),
    ]
    return "\n\n".join(part for part in parts if part)


def must_reach(summary: Summary) -> str:
    """Give the table of what has to be reached."""
    return grid(("", "measured", "must", "aim", ""), (_target(target) for target in targets(summary)))


def data_of_charts(summary: Summary) -> dict[str, Any]:
    """Give what the charts draw; nothing of what was not measured."""
    present = _present(summary)
    data = {
        "throughput": {
            CONTENDERS[name].label: {
                workload: value
                for workload in WORKLOADS
                if workload != "paced" and (value := summary.ratio(workload, name, "m-serve", rate)) is not None
            }
            for name in present
        },
        "paced": {
            CONTENDERS[name].label: {
                part: value * 1000
                for part in ("p50", "p99")
                if (value := summary.median("paced", name, gap(part))) is not None
            }
            for name in present
        },
        "memory": {
            CONTENDERS[name].label: {
                f"{messages} message{'s' * (messages > 1)}": value / 1024
                for messages in (1, 100)
                if (value := summary.median(f"idle-{messages}", name, held)) is not None
            }
            for name in present
        },
        "length": {
            kind: {str(size): value * 1e6 for size, value in summary.by_size(f"length-{kind}", cost_of_token).items()}
            for kind in ("burst", "tick")
        },
        "streams": {"paced": {str(size): value * 1e6 for size, value in summary.by_size("streams", cost).items()}},
    }
    full = {name: {label: line for label, line in lines.items() if line} for name, lines in data.items()}
    return {name: {"title": CHARTS[name], "lines": lines} for name, lines in full.items() if lines}


def _circumstances(summary: Summary) -> str:
    race = summary.race
    rounds = (
        f"{race['rounds']} round{'s' * (race['rounds'] > 1)} of {race['seconds']:g} s for each contender and workload"
    )
    machine = "; ".join(f"{name}: {value}" for name, value in race["machine"].items())
    return (
        f"{race['date']}. {machine}. {rounds}, in an order drawn anew in each (seed {race['seed']}); medians over the "
        "rounds, ratios within each round. Each server has one core, and the client another. mserve has keys, metrics "
        "and limits on, as by default; all access lines are off. All tokens were checked, one by one."
    )


def _target(target: Target) -> Iterable[str]:
    bound = "≤" if target.at_most else "≥"
    verdict = {None: "not measured", True: "met", False: "**not met**"}[target.met]
    aim = "" if target.aim is None else f"{bound} {target.aim:g}"
    unit = target.unit if target.value is not None else ""
    yield from (target.what, f"{number(target.value)} {unit}".strip(), f"{bound} {target.must:,g}", aim)
    yield f"{verdict}, aim too" if target.met_aim else verdict


def _throughput(summary: Summary) -> str:
    def cell(workload: str, name: str) -> str:
        value = summary.median(workload, name, rate)
        if value is None:
            return _why_not(summary, workload, name)
        times, share = (summary.ratio(workload, name, other, rate) for other in ("m-serve", "raw"))
        mark = " †" if summary.is_limited(workload, name) else ""
        return f"{number(value)}{mark} ({number(times)} times, {number(share)})"

    return _table(summary, WORKLOADS, cell)


def _paced(summary: Summary) -> str:
    def row(name: str) -> Iterator[str]:
        yield CONTENDERS[name].label
        yield number(summary.median("paced", name, rate))
        for part in ("p50", "p99", "max"):
            yield number(_milli(summary.median("paced", name, gap(part))))
        for part in ("p50", "p99"):
            yield number(_milli(summary.median("paced", name, first(part))))
        yield number(_micro(summary.median("paced", name, cost)))
        yield _percent(summary.median("paced", name, busy("server")))
        yield _percent(summary.median("paced", name, busy("client")))

    head = (
        "",
        "tokens/s",
        "gap p50, ms",
        "p99",
        "max",
        "first token p50, ms",
        "p99",
        "CPU, µs/token",
        "server",
        "client",
    )
    return grid(head, (row(name) for name in _present(summary)))


def _memory(summary: Summary) -> str:
    rows = []
    for name in _present(summary):
        values = [summary.median(f"idle-{messages}", name, held) for messages in (1, 100)]
        if any(values):
            rows.append((CONTENDERS[name].label, *map(number, values)))
    many = summary.runs("idle-many", "ours")
    said = [
        f"10,000 idle streams were not tried: {run['skipped']}."
        if "skipped" in run
        else f"{run['held'] - run['lost']:,} idle streams were held by one mserve, with room in its limits."
        for run in many
    ]
    return "\n\n".join([grid(("1,000 streams", "1 message", "100 messages"), rows), *said])


def _flatness(summary: Summary) -> str:
    tables = []
    for what, workload in (
        ("tokens of a reply, burst", "length-burst"),
        ("tokens of a reply, tick", "length-tick"),
        ("streams, 8,000 tokens/s in all", "streams"),
    ):
        costs = summary.by_size(workload, cost_of_token)
        if costs:
            head = (what, *(f"{size:,}" for size in costs))
            tables.append(grid(head, [("CPU, µs/token", *(number(value * 1e6) for value in costs.values()))]))
    return "\n\n".join(tables)


def _workers(summary: Summary) -> Iterator[str]:
    rows = []
    for count in (1, 2):
        for run in summary.runs(f"workers-{count}", "ours"):
            costs = (number(p["cpu"] / p["tokens"] * 1e6) for p in run.get("processes", ()) if p["tokens"])
            rows.append((str(count), str(run["round"] + 1), number(rate(run)), " and ".join(costs)))
    yield "### Workers, on both cores together with the client: tick, 64 streams"
    if rows:
        yield grid(("workers", "round", "tokens/s", "CPU of each, µs/token"), rows)
    else:
        yield "Not measured."


def _remarks(summary: Summary) -> Iterator[str]:
    yield (
        "† The client was at its limit while the server was not: the server can do more. `m serve` streams through "
        "what it asks of a thunk, each token a chunk of its own, without the queue and the tasks of Mellea's backends, "
        "which put several tokens into one chunk. LitServe is started anew for each turn, since it goes on with what "
        "clients have left. Hayhooks ends its streams without `[DONE]`. All run on uvloop and httptools."
    )
    idlers, asked = summary.idlers()
    if idlers:
        yield (
            f"**In {idlers} of {asked} runs that ask without a pause, neither the server's core nor the client's was "
            "busy to nine tenths with the race: the machine had other things to do, and these numbers are worth less.**"
        )
    for name, why in summary.race["absent"].items():
        yield f"{CONTENDERS[name].label} could not be started: `{' '.join(why.split())[-200:]}`"
    if wrong := summary.wrong():
        yield "Runs that went wrong:\n\n" + "\n".join(f"- {what[:300]}" for what in wrong)


def _present(summary: Summary) -> list[str]:
    """Give the contenders that ran, the fastest kinds first."""
    return [name for name in CONTENDERS if any(run["contender"] == name for run in summary.race["runs"])]


def _table(summary: Summary, workloads: Iterable[str], cell: Callable[[str, str], str]) -> str:
    """Give a table with a line for each workload and a column for each contender."""
    present = _present(summary)
    head = ("", *(CONTENDERS[name].label for name in present))
    ran = [name for name in workloads if any(summary.runs(name, contender) for contender in present)]
    return grid(head, ((WORKLOADS[name].label, *(cell(name, contender) for contender in present)) for name in ran))


def grid(head: Iterable[str], body: Iterable[Iterable[str]]) -> str:
    """Give a table: a head, and lines."""
    head = list(head)
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _chart(name: str, charts: Sequence[str]) -> str:
    return f"![{CHARTS[name]}](performance/{name}.svg)" if name in charts else ""


def _why_not(summary: Summary, workload: str, name: str) -> str:
    wrong = any("wrong" in run for run in summary.runs(workload, name))
    return "wrong output" if wrong else _NOTHING


def _pair(summary: Summary, workload: str, name: str, *measures: Callable[[Any], float]) -> str:
    return " / ".join(number(_milli(summary.median(workload, name, measure))) for measure in measures)


def _busy(summary: Summary, workload: str, name: str) -> str:
    shares = (summary.median(workload, name, busy(whose)) for whose in ("server", "client"))
    return " / ".join(map(_percent, shares))


def _milli(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1e3


def _micro(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1e6


def _percent(part: float | None) -> str:
    return _NOTHING if part is None else f"{part:.0%}"


def number(value: float | None) -> str:
    """Spell a number with three digits that count."""
    if value is None:
        return _NOTHING
    if abs(value) >= 100_000:
        return f"{value / 1000:,.0f} k"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
