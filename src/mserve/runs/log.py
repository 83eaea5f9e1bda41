"""The events of one run, numbered from 0, and the readers that follow them. Bounded: whoever writes waits for room."""

import asyncio
import time
from collections.abc import Callable

from mserve.events import AudioDelta, ReasoningDelta, RefusalDelta, RunEvent, Said, TextDelta, ToolCallDelta
from mserve.options import Limits
from mserve.program import SHORT


class Log:
    """What a run has said and some reader has not read. What every reader has passed is dropped."""

    __slots__ = (
        "_abandoned", "_counted", "_events", "_first", "_first_size", "_is_open", "_is_told", "_limits", "_loop",
        "_on_abandoned", "_passed_at", "_readers", "_room", "_size", "closed", "ended_at", "flows",
    )  # fmt: skip

    def __init__(self, limits: Limits, loop: asyncio.AbstractEventLoop, on_abandoned: Callable[[], None]) -> None:
        self.closed = False
        self.ended_at = 0  # seconds since 1970
        self.flows = False
        self._limits = limits
        self._loop = loop
        self._on_abandoned = on_abandoned
        self._events: list[Said] = []
        self._counted = 0  # how many of them are in the size: texts that come the short way are added up later
        # The place of the first event that is still here, which is that of the slowest reader: its number, and the
        # size of all before it. Numbers, and no `Place`, since this is what each token costs.
        self._first = self._first_size = 0
        self._size = 0
        self._passed_at = 0.0
        self._readers: list[Reader] = []
        self._is_told = False  # whether the readers know that there is something to take
        self._is_open = False
        self._room: asyncio.Future[None] | None = None
        self._abandoned = False

    @property
    def size(self) -> int:
        """All events so far, dropped ones too: their characters, and one for each event."""
        events, counted = self._events, self._counted
        if len(events) > counted:
            texts = events[counted:] if counted else events  # `append` counts all else
            self._size += len(texts) + sum(map(len, texts))  # type: ignore[arg-type]
            self._counted = len(events)
        return self._size

    @property
    def count(self) -> int:
        """All events so far, dropped ones too."""
        return self._first + len(self._events)

    @property
    def end(self) -> "Place":
        """The place behind the last event."""
        return self.count, self.size

    def quiet_since(self) -> float:
        """Give when all was read that was said, by the loop's clock: now, where something waits to be read."""
        return self._loop.time() if self._events else self._passed_at

    def spoke(self) -> None:
        """Note that the program speaks, though nothing of it is to be read yet."""
        self._passed_at = self._loop.time()

    def open(self) -> None:
        """Take texts the short way, until it is shut; see `Line`."""
        self._is_open = True
        self.flows = self._is_told

    def shut(self) -> None:
        """Take no text the short way any more."""
        self._is_open = self.flows = False

    def lend(self) -> tuple[list[Said], int]:
        """Give the list of events, and how many short texts it takes: none where anything but that is to be done."""
        if not self._is_open or not self._readers:
            return self._events, 0
        limits, events = self._limits, self._events
        chars = min(self._first_size + limits.log_chars, limits.max_answer + 1) - self.size
        return events, max(0, min(limits.log_events - 1 - len(events), chars // (SHORT + 1)))

    def tell(self) -> bool:
        """Tell the readers that there will be something to take. False where a text has to be said as an event."""
        if self._is_open:
            self.flows = self._is_told = True
            for reader in self._readers:
                reader.ring()
        return self.flows

    def append(self, event: RunEvent) -> None:
        """Write one event. Never waits: who writes much asks for `room` in between."""
        self._size = self.size + 1 + length(event)
        self._events.append(event.text if type(event) is TextDelta and not event.logprobs else event)
        self._counted += 1
        if not self._is_told:
            self._tell()

    def close(self) -> None:
        """Say that nothing more will come. Nobody has to hear any more that the log is abandoned."""
        self.shut()
        self.ended_at = self.ended_at or int(time.time())
        self.closed = True
        self._on_abandoned = _nobody  # a run that holds itself, through its log, is not freed when it ends
        for reader in self._readers:
            reader.ring_out()

    async def room(self) -> None:
        """Wait until the slowest reader lags by less than the bound."""
        for reader in self._readers:
            reader.hurry()
        while self.is_full:
            self._room = self._loop.create_future()
            await self._room

    def reader(self, ring: Callable[[], None], *, keeps: bool = False) -> "Reader":
        """Follow the log from the first event that is still here; `ring` is called when there is something to take.

        One that `keeps` what it reads wants no answer: without any other, the log is abandoned.
        """
        reader = Reader(self, (self._first, self._first_size), ring, keeps=keeps)
        self._readers.append(reader)
        self.flows = False  # the others may have been told, and this one not
        if self._events:
            ring()
        return reader

    def take(self, reader: "Reader") -> list[Said]:
        """Give all that a reader has not had. What every reader has passed is dropped, and the writer goes on."""
        events = self._events
        if not events:
            return []  # who looks in vain changes nothing: above all not since when the program is silent
        if len(self._readers) > 1:
            return self._share(reader)
        taken = events.copy()  # nearly always nobody else needs any of it
        events.clear()  # it stays the same list, which is lent
        texts = taken[self._counted :] if self._counted else taken
        self._counted = 0
        self._size += len(texts) + sum(map(len, texts))  # type: ignore[arg-type]  # `append` counts all else
        self._first += len(taken)
        self._first_size = self._size
        reader.place = self._first, self._size
        self._make_room()
        return taken

    def _share(self, reader: "Reader") -> list[Said]:
        """Give what a reader has not had, and others perhaps have not had either."""
        events = self._events[reader.place[0] - self._first :]
        reader.place = self.end
        self._is_told = self.flows = False
        self._drop()
        return events

    def _drop(self) -> None:
        """Drop what every reader has passed."""
        slowest = min([reader.place for reader in self._readers], default=self.end)
        if slowest[0] > self._first:
            passed = slowest[0] - self._first
            del self._events[:passed]
            self._counted -= passed  # all have been: a place behind them is known
            self._first, self._first_size = slowest
            self._make_room()

    def _make_room(self) -> None:
        """Go on from where the slowest reader is by now."""
        self._is_told = self.flows = False
        self._passed_at = self._loop.time()
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def leave(self, reader: "Reader") -> None:
        """Forget a reader; a log that loses the last one that wants an answer is abandoned."""
        self._readers.remove(reader)
        self._drop()
        if not self._readers:
            self._abandoned = True
            self.shut()
        if not (reader.keeps or any(not other.keeps for other in self._readers)):
            self._on_abandoned()

    @property
    def is_full(self) -> bool:
        """Tell whether who writes has to wait for `room`."""
        lag = len(self._events) >= self._limits.log_events or self.size - self._first_size >= self._limits.log_chars
        return lag and bool(self._readers)

    def _tell(self) -> None:
        if self._abandoned:
            self._drop()  # nobody has to read it
            return
        self._is_told = True
        for reader in self._readers:
            reader.ring()


def _nobody() -> None:
    """Hear of nothing."""


Place = tuple[int, int]
"""The number of the next event to read, and the size of all events before it."""


class Reader:
    """One reader's place in a log.

    `ring` is called when there is something to take, `hurry` when who writes waits for room, `ring_out` when no more
    comes.
    """

    __slots__ = ("_log", "hurry", "keeps", "place", "ring", "ring_out")

    def __init__(self, log: Log, place: Place, ring: Callable[[], None], *, keeps: bool) -> None:
        self.place = place
        self.ring = self.ring_out = ring
        self.hurry: Callable[[], None] = _nobody
        self.keeps = keeps
        self._log = log

    @property
    def closed(self) -> bool:
        """Tell whether nothing more will come."""
        return self._log.closed

    @property
    def ended(self) -> bool:
        """Tell whether all was read, and nothing more will come."""
        return self._log.closed and self.place[0] == self._log.count

    @property
    def ended_at(self) -> int:
        """Give when the answer was whole, in seconds since 1970; 0 before."""
        return self._log.ended_at

    def take(self) -> list[Said]:
        """Give all events that this reader has not had."""
        return self._log.take(self)

    def close(self) -> None:
        """Read no more."""
        self._log.leave(self)


def length(event: RunEvent) -> int:
    """Count the characters of an event's text, and the bytes of its sound."""
    if type(event) is TextDelta:  # nearly always, and much quicker to see
        return len(event.text)
    if isinstance(event, TextDelta | ReasoningDelta | RefusalDelta):
        return len(event.text)
    if isinstance(event, AudioDelta):
        return len(event.data) + len(event.transcript)
    return len(event.arguments) if isinstance(event, ToolCallDelta) else 0
