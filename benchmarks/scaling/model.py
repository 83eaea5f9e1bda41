"""What a reply costs each part that serves it, and what follows from that alone: processes, limits, and a price."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

_STEPS = 2000
ROOM = 0.7
"""How busy a process may be kept: beyond that what waits grows faster than what is asked."""
ROWS = 25.0
"""Rows that a kept stream writes in a second at most: what it says in 40 ms is one."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """A part's seconds of one core."""

    request: float
    """For a reply: its beginning and its end."""
    token: float
    """For each token that it takes along with others."""
    write: float
    """For each time that it has something to take: one for many tokens, where they are there together."""

    def of(self, tokens: float, writes: float) -> float:
        """Give the seconds for a whole reply."""
        return self.request + tokens * self.token + writes * self.write


@dataclass(frozen=True)
class Point:
    """What was measured: a reply of so many tokens, in so many writes of their own, took so many seconds."""

    tokens: float
    writes: float
    seconds: float


def fit(points: Sequence[Point]) -> Cost:
    """Give the costs that come nearest to all points, by their relative errors; none is below zero."""
    rows = [(1 / p.seconds, p.tokens / p.seconds, p.writes / p.seconds) for p in points if p.seconds > 0]
    found = [0.0, 0.0, 0.0]
    for _ in range(_STEPS):
        for column in range(3):
            weight = sum(row[column] ** 2 for row in rows)
            if weight:
                off = sum(row[column] * (1 - _dot(row, found)) for row in rows)
                found[column] = max(0.0, found[column] + off / weight)
    return Cost(request=found[0], token=found[1], write=found[2])


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


@dataclass(frozen=True, kw_only=True)
class Load:
    """What people ask: so many streams at once, each with replies of so many tokens, at so many a second."""

    streams: float
    rate: float = 20.0
    tokens: float = 400.0

    @property
    def tokens_per_second(self) -> float:
        """Give the tokens of all of them."""
        return self.streams * self.rate

    def busy(self, cost: Cost) -> float:
        """Give the cores that a part is busy with, a write for each token: nobody is fast enough to gather them."""
        return self.tokens_per_second / self.tokens * cost.of(self.tokens, self.tokens)


@dataclass(frozen=True, kw_only=True)
class Limit:
    """Where one of something ends."""

    what: str
    streams: float
    """The streams that one of it serves."""
    more: str
    """What there has to be more of."""

    def count(self, streams: float) -> int:
        """Give how many it takes for so many streams."""
        return math.ceil(streams / self.streams)


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What limits besides processors: the settings' own numbers, and a machine's."""

    connections: int = 10_000
    """`--limit-connections`, of a server or of a replica of the ingress."""
    files: int = 65_536
    """Files that a process may have open (`ulimit -n`): a socket for each stream, towards the client."""
    ports: int = 28_232
    """Ports that Linux opens connections from, towards one address: a balancer's, or Ray's proxy's."""
    memory: float = 4 * 2**30
    """Bytes of a process."""


def limits(
    load: Load,
    costs: Mapping[str, Cost],
    bytes_by: Mapping[str, float],
    bounds: Bounds = Bounds(),
) -> list[Limit]:
    """Give all limits, the nearest first: where one process of each part is full, and where a number is."""
    found = [
        Limit(what=f"CPU of one {part}", streams=ROOM * load.streams / busy, more=_MORE.get(part, part))
        for part, cost in costs.items()
        if (busy := load.busy(cost)) > 0
    ]
    found += [
        Limit(
            what=f"memory of one {part}, {bounds.memory / 2**30:g} GiB",
            streams=bounds.memory / size,
            more=_MORE.get(part, part),
        )
        for part, size in bytes_by.items()
        if size > 0
    ]
    found += [
        Limit(what="`--limit-connections`", streams=bounds.connections, more="the option's number, or processes"),
        Limit(what="files that a process may open", streams=bounds.files, more="`ulimit -n`"),
        Limit(what="ports from one address to another", streams=bounds.ports, more="addresses of the balancer"),
    ]
    return sorted(found, key=lambda limit: limit.streams)


_MORE = {
    "server": "workers",
    "proxy": "nodes: each has one proxy",
    "ingress": "`--ingress-replicas`",
    "replica": "`--replicas`",
    "store": "rows that are rarer, or databases",
}


def rows_per_second(load: Load) -> float:
    """Give the rows that kept streams write in a second."""
    return load.streams * min(load.rate, ROWS)


def cores(load: Load, costs: Iterable[Cost]) -> float:
    """Give the cores that it takes, with room."""
    return sum(load.busy(cost) for cost in costs) / ROOM


def price_of_a_million(load: Load, costs: Iterable[Cost], core_hour: float) -> float:
    """Give what serving a million tokens costs, by the price of a core for an hour; what programs do is no part of it.

    core-hours for a million = 10^6 / (tokens a second) * cores / 3600.
    """
    return 1e6 / load.tokens_per_second * cores(load, costs) / 3600 * core_hour


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A way to serve, as measured."""

    costs: Mapping[str, Cost]
    bytes_by: Mapping[str, float] = field(default_factory=dict)
    at_rest: float = 0.0
    """Cores that are busy while nobody asks."""
