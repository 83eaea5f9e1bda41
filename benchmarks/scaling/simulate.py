"""Streams, processes and cores, event by event: who waits for whom, and what comes out at the other end.

A process does one thing at a time, and a core runs one process. A reply's request passes all parts towards the program,
its tokens pass them back to the client. Tokens that wait for the same process at the same place are taken together.
"""

import heapq
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.medians import Spread, spread
from benchmarks.scaling.model import Cost

LOT = 256
"""Tokens that are handed on at most before somebody takes them, as in mserve's logs."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A stage on the way: a cost, and the processes that share it."""

    name: str
    cost: Cost
    processes: int = 1


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What streams ask: replies of so many tokens, with so long a pause after each, or all at once."""

    streams: int
    tokens: int
    pause: float = 0.0
    ramp: float = 0.0
    """Seconds over which the streams begin."""

    @property
    def writes(self) -> int:
        """Give the writes of a reply, those that each reply has left out."""
        return self.tokens if self.pause else (self.tokens - 1) // LOT


@dataclass(frozen=True)
class Seen:
    """What came of it."""

    rate: float
    """Tokens in a second."""
    busy: Mapping[str, float]
    """Cores that each part kept busy."""
    first: Spread
    gaps: Spread


@dataclass(eq=False)
class _Process:
    part: int
    queue: deque["_Job"] = field(default_factory=deque)
    active: bool = False


@dataclass(eq=False, slots=True)
class _Job:
    """Something that a process has to do for a stream; more tokens may join it while it waits."""

    stream: "_Stream"
    part: int
    asks: bool
    tokens: int = 0


@dataclass(eq=False, slots=True)
class _Stream:
    number: int
    asked: float = 0.0
    said: int = 0
    came: int = 0
    last: float = 0.0
    waiting: dict[int, _Job] = field(default_factory=dict)


class Simulation:
    """One run: the parts in the order from the client to the program, the client's own being the first."""

    def __init__(self, parts: Sequence[Part], asked: Asked, *, cores: float) -> None:
        self._parts = parts
        self._asked = asked
        self._free = max(1, round(cores))
        self._speed = cores / self._free  # a core that others have a share of is a slower one
        self._processes = [[_Process(number) for _ in range(part.processes)] for number, part in enumerate(parts)]
        self._ready: deque[_Process] = deque()
        self._events: list[tuple[float, int, _Process | None, _Job]] = []
        self._count = 0
        self._now = self._from = 0.0
        self._tokens = 0
        self._busy = [0.0] * len(parts)
        self._first: list[float] = []
        self._gaps: list[float] = []

    def run(self, seconds: float, warm: float) -> Seen:
        """Let it run, and tell of what came after the first seconds."""
        self._from = warm
        for number in range(self._asked.streams):
            job = _Job(_Stream(number), 0, asks=True)
            self._at(self._asked.ramp * number / self._asked.streams, None, job)
        while self._events and self._events[0][0] < warm + seconds:
            self._now, _, process, job = heapq.heappop(self._events)
            if process is not None:
                self._done(process, job)
            elif job.asks:
                self._ask(job.stream)
            else:
                self._say(job.stream)
        names = [part.name for part in self._parts]
        busy = {name: spent / seconds for name, spent in zip(names, self._busy, strict=True)}
        return Seen(self._tokens / seconds, busy, spread(self._first), spread(self._gaps))

    def _at(self, time: float, process: _Process | None, job: _Job) -> None:
        self._count += 1
        heapq.heappush(self._events, (time, self._count, process, job))

    def _ask(self, stream: _Stream) -> None:
        stream.asked, stream.said, stream.came, stream.last = self._now, 0, 0, 0.0
        self._offer(_Job(stream, 0, asks=True))

    def _say(self, stream: _Stream) -> None:
        """Let the program say its next words: all of them, or one."""
        count = 1 if self._asked.pause else self._asked.tokens
        self._hand(stream, len(self._parts) - 1, count)

    def _hand(self, stream: _Stream, part: int, tokens: int) -> None:
        waiting = stream.waiting.get(part)
        if waiting is not None:
            waiting.tokens += tokens
            return
        job = stream.waiting[part] = _Job(stream, part, asks=False, tokens=tokens)
        self._offer(job)

    def _offer(self, job: _Job) -> None:
        among = self._processes[job.part]
        process = among[job.stream.number % len(among)]
        process.queue.append(job)
        if not process.active:
            process.active = True
            self._ready.append(process)
        self._dispatch()

    def _dispatch(self) -> None:
        while self._free and self._ready:
            process = self._ready.popleft()
            job = process.queue.popleft()
            if not job.asks:
                del job.stream.waiting[job.part]
            self._free -= 1
            took = self._time(job)
            if self._now >= self._from:
                self._busy[job.part] += took
            self._at(self._now + took / self._speed, process, job)

    def _time(self, job: _Job) -> float:
        cost = self._parts[job.part].cost
        if job.asks:
            return cost.request
        return job.tokens * cost.token + cost.write * (1 if self._asked.pause else self._asked.writes)

    def _done(self, process: _Process, job: _Job) -> None:
        self._free += 1
        if process.queue:
            self._ready.append(process)
        else:
            process.active = False
        last = len(self._parts) - 1
        if job.asks and job.part < last:
            self._offer(_Job(job.stream, job.part + 1, asks=True))
        elif job.asks:
            self._say(job.stream)
        else:
            self._pass(job, last)
        self._dispatch()

    def _pass(self, job: _Job, last: int) -> None:
        """Let tokens go on their way, and the program on with its own."""
        stream = job.stream
        if job.part == last:
            stream.said += job.tokens
            if stream.said < self._asked.tokens:
                self._at(self._now + self._asked.pause, None, _Job(stream, last, asks=False))
        if job.part:
            self._hand(stream, job.part - 1, job.tokens)
        else:
            self._come(stream, job.tokens)

    def _come(self, stream: _Stream, tokens: int) -> None:
        if self._now >= self._from:
            self._tokens += tokens
            if not stream.came:
                self._first.append(self._now - stream.asked)
            elif stream.last:
                self._gaps += [self._now - stream.last, *[0.0] * (tokens - 1)]
        stream.came += tokens
        stream.last = self._now
        if stream.came >= self._asked.tokens:
            # What it pauses for after its last word, it pauses for.
            self._at(self._now + self._asked.pause, None, _Job(stream, 0, asks=True))
