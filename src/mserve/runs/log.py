"""The events of one run, numbered from 0, and the readers that follow them. Bounded: whoever writes waits for room."""

import asyncio
import math
from collections.abc import Callable

from mserve.events import AudioDelta, ReasoningDelta, RefusalDelta, RunEvent, TextDelta, ToolCallDelta
from mserve.options import Limits

_SHORT = 4096
"""Characters of a text that is nothing like a frame that would have to be cut."""


class Log:
    """What a run has said and some reader has not read. What every reader has passed is dropped."""

    def __init__(self, limits: Limits, on_abandoned: Callable[[], None]) -> None:
        self.closed = False
        self._limits = limits
        self._on_abandoned = on_abandoned
        self._events: list[RunEvent] = []
        # The place of the first event that is still here, which is that of the slowest reader: its number, and the
        # size of all before it. Numbers, and no `Place`, since this is what each token costs.
        self._first = self._first_size = 0
        self.size = 0  # of all events so far, dropped ones too: their characters, and one for each event
        self._readers: list[Reader] = []
        self._room: asyncio.Future[None] | None = None
        self._abandoned = False

    @property
    def end(self) -> "Place":
        """The place behind the last event."""
        return self._first + len(self._events), self.size

    def append(self, event: RunEvent) -> None:
        """Write one event. Never waits: who writes much asks for `room` in between."""
        self._events.append(event)
        self.size += 1 + length(event)
        if self._abandoned:
            self.passed()  # by nobody: nothing is kept
        else:
            self._wake()

    def close(self) -> None:
        """Say that nothing more will come. Nobody has to hear any more that the log is abandoned."""
        self.closed = True
        self._on_abandoned = _nobody  # a run that holds itself, through its log, is not freed when it ends
        self._wake()

    async def room(self) -> None:
        """Wait until the slowest reader lags by less than the bound."""
        while self.is_full:
            self._room = asyncio.get_running_loop().create_future()
            await self._room

    def reader(self, bell: "Bell | None" = None) -> "Reader":
        """Follow the log from the first event that is still here; who follows several gives them one bell."""
        reader = Reader(self, (self._first, self._first_size), bell or Bell())
        self._readers.append(reader)
        if self._events:
            reader.bell.ring()
        return reader

    def after(self, place: "Place") -> list[RunEvent]:
        """Give the events from a place on."""
        return self._events[place[0] - self._first :]

    def passed(self) -> None:
        """Drop what every reader has passed, and let the writer go on."""
        places = [reader.place for reader in self._readers]
        slowest = places[0] if len(places) == 1 else min(places, default=self.end)
        del self._events[: slowest[0] - self._first]
        self._first, self._first_size = slowest
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def leave(self, reader: "Reader") -> None:
        """Forget a reader; a log that loses its last one is abandoned."""
        self._readers.remove(reader)
        self.passed()
        if not self._readers:
            self._abandoned = True
            self._on_abandoned()

    @property
    def is_full(self) -> bool:
        """Tell whether who writes has to wait for `room`."""
        lag = len(self._events) >= self._limits.log_events or self.size - self._first_size >= self._limits.log_chars
        return lag and bool(self._readers)

    def has_room(self, event: TextDelta) -> bool:
        """Tell whether a text can be written as it is, and without a wait behind it."""
        size = len(event.text)
        lag = self.size - self._first_size
        return (
            size <= _SHORT
            and len(self._events) + 1 < self._limits.log_events
            and lag + size + 1 < self._limits.log_chars
        )

    def _wake(self) -> None:
        for reader in self._readers:
            reader.bell.ring()


def _nobody() -> None:
    """Hear of nothing: the run has ended."""


Place = tuple[int, int]
"""The number of the next event to read, and the size of all events before it."""


class Bell:
    """Rings when a log has news: what one task waits by, for one log or for several. Whoever has one ends it."""

    def __init__(self) -> None:
        self.has_rung = False
        """Whether it rang since somebody set this to False."""
        self._loop = asyncio.get_running_loop()
        self._news: asyncio.Future[None] | None = None
        self._due = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def ring(self) -> None:
        """Let who waits go on."""
        self.has_rung = True
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def wait(self, until: float = math.inf) -> asyncio.Future[None]:
        """Give what to await: the next ring, at most until a time of the loop's clock. One may wait at a time."""
        self._due = until
        # One timer serves many waits: each token is one, and most of them end long before they are due.
        if until < math.inf and (self._timer is None or until < self._timer.when()):
            self._set(until)
        self._news = self._loop.create_future()
        return self._news

    def end(self) -> None:
        """Ring no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _set(self, due: float) -> None:
        self.end()
        self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._due <= self._loop.time():
            self.ring()
        elif self._due < math.inf:
            self._set(self._due)


class Reader:
    """One reader's place in a log. Its `bell` rings when there is something to take."""

    def __init__(self, log: Log, place: Place, bell: Bell) -> None:
        self.place = place
        self.bell = bell
        self._log = log

    @property
    def ended(self) -> bool:
        """Tell whether all was read, and nothing more will come."""
        return self._log.closed and self.place == self._log.end

    def take(self) -> list[RunEvent]:
        """Give all events that this reader has not had."""
        events = self._log.after(self.place)
        if events:
            self.place = self._log.end
            self._log.passed()
        return events

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
