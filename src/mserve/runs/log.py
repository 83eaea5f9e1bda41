"""The events of one run, numbered from 0, and the readers that follow them. Bounded: whoever writes waits for room."""

import asyncio
from collections.abc import Callable

from mserve.events import AudioDelta, ReasoningDelta, RefusalDelta, RunEvent, TextDelta, ToolCallDelta
from mserve.options import Limits

_SHORT = 4096
"""Characters of a text that is nothing like a frame that would have to be cut."""


class Log:
    """What a run has said and some reader has not read. What every reader has passed is dropped."""

    __slots__ = (
        "_abandoned",
        "_clock",
        "_events",
        "_first",
        "_first_size",
        "_is_told",
        "_limit",
        "_limits",
        "_mark",
        "_most",
        "_most_chars",
        "_on_abandoned",
        "_passed_at",
        "_readers",
        "_room",
        "closed",
        "size",
    )

    def __init__(self, limits: Limits, on_abandoned: Callable[[], None]) -> None:
        self.closed = False
        self._limits = limits
        self._clock = asyncio.get_running_loop().time
        self._on_abandoned = on_abandoned
        self._events: list[RunEvent] = []
        # The place of the first event that is still here, which is that of the slowest reader: its number, and the
        # size of all before it. Numbers, and no `Place`, since this is what each token costs.
        self._first = self._first_size = 0
        self.size = 0  # of all events so far, dropped ones too: their characters, and one for each event
        self._passed_at = 0.0
        self._most = limits.log_events - 1
        self._most_chars = limits.log_chars
        self._limit = 0  # the size from which on nothing is taken by `say`
        self._mark = 0  # the same for now: what the slowest reader has passed makes room up to there
        self._readers: list[Reader] = []
        self._is_told = False  # whether the readers know that there is something to take
        self._room: asyncio.Future[None] | None = None
        self._abandoned = False

    @property
    def end(self) -> "Place":
        """The place behind the last event."""
        return self._first + len(self._events), self.size

    def quiet_since(self) -> float:
        """Give when all was read that was said, by the loop's clock: now, where something waits to be read."""
        return self._clock() if self._events else self._passed_at

    def spoke(self) -> None:
        """Note that the program speaks, though nothing of it is to be read yet."""
        self._passed_at = self._clock()

    def open(self) -> None:
        """Take texts by `say`, until it is shut."""
        self._limit = self._limits.max_answer + 1
        self._set_mark()

    def shut(self) -> None:
        """Take no text by `say` any more."""
        self._limit = self._mark = 0

    def say(self, text: str) -> bool:
        """Write a text, where nothing stands in the way: False where it has to go the long way, by `append`.

        Whatever else is to be done for a text is done there; nearly all that is ever said goes this way.
        """
        size = len(text)
        after = self.size + size + 1
        if after >= self._mark or not 0 < size <= _SHORT or len(self._events) >= self._most:
            return False
        self._events.append(TextDelta(text))
        self.size = after
        if not self._is_told:
            self._tell()
        return True

    def append(self, event: RunEvent) -> None:
        """Write one event. Never waits: who writes much asks for `room` in between."""
        self._events.append(event)
        self.size += 1 + length(event)
        if not self._is_told:
            self._tell()

    def close(self) -> None:
        """Say that nothing more will come. Nobody has to hear any more that the log is abandoned."""
        self.shut()
        self.closed = True
        self._on_abandoned = _nobody  # a run that holds itself, through its log, is not freed when it ends
        self._tell()

    async def room(self) -> None:
        """Wait until the slowest reader lags by less than the bound."""
        while self.is_full:
            self._room = asyncio.get_running_loop().create_future()
            await self._room

    def reader(self, ring: Callable[[], None]) -> "Reader":
        """Follow the log from the first event that is still here; `ring` is called when there is something to take."""
        reader = Reader(self, (self._first, self._first_size), ring)
        self._readers.append(reader)
        if self._events:
            ring()
        return reader

    def take(self, reader: "Reader") -> list[RunEvent]:
        """Give all that a reader has not had. What every reader has passed is dropped, and the writer goes on."""
        if not self._events:
            return []  # who looks in vain changes nothing: above all not since when the program is silent
        if len(self._readers) == 1:  # nearly always: then nobody else needs any of it
            events, self._events = self._events, []
            self._first += len(events)
            self._first_size = self.size
            reader.place = self._first, self.size
            self._make_room()
            return events
        events = self._events[reader.place[0] - self._first :]
        reader.place = self.end
        self._is_told = False
        self._drop()
        return events

    def _drop(self) -> None:
        """Drop what every reader has passed."""
        slowest = min([reader.place for reader in self._readers], default=self.end)
        if slowest[0] > self._first:
            del self._events[: slowest[0] - self._first]
            self._first, self._first_size = slowest
            self._make_room()

    def _make_room(self) -> None:
        """Go on from where the slowest reader is by now."""
        self._is_told = False
        self._passed_at = self._clock()
        self._set_mark()
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def leave(self, reader: "Reader") -> None:
        """Forget a reader; a log that loses its last one is abandoned."""
        self._readers.remove(reader)
        self._drop()
        if not self._readers:
            self._abandoned = True
            self._on_abandoned()

    @property
    def is_full(self) -> bool:
        """Tell whether who writes has to wait for `room`."""
        lag = len(self._events) >= self._limits.log_events or self.size - self._first_size >= self._limits.log_chars
        return lag and bool(self._readers)

    def _set_mark(self) -> None:
        mark = self._first_size + self._most_chars
        self._mark = mark if mark < self._limit else self._limit  # noqa: FURB136  # `min` costs each write a call

    def _tell(self) -> None:
        if self._abandoned:
            self._drop()  # nobody has to read it
            return
        self._is_told = True
        for reader in self._readers:
            reader.ring()


def _nobody() -> None:
    """Hear of nothing: the run has ended."""


Place = tuple[int, int]
"""The number of the next event to read, and the size of all events before it."""


class Reader:
    """One reader's place in a log. `ring` is called when there is something to take."""

    __slots__ = ("_log", "place", "ring")

    def __init__(self, log: Log, place: Place, ring: Callable[[], None]) -> None:
        self.place = place
        self.ring = ring
        self._log = log

    @property
    def closed(self) -> bool:
        """Tell whether nothing more will come."""
        return self._log.closed

    @property
    def ended(self) -> bool:
        """Tell whether all was read, and nothing more will come."""
        return self._log.closed and self.place == self._log.end

    def take(self) -> list[RunEvent]:
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
