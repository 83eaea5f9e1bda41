"""The events of one run, numbered from 0, and the readers that follow them. Bounded: whoever writes waits for room."""

import asyncio
from collections.abc import Callable

from mserve.events import AudioDelta, ReasoningDelta, RefusalDelta, RunEvent, TextDelta, ToolCallDelta
from mserve.options import Limits


class Log:
    """What a run has said and some reader has not read. What every reader has passed is dropped."""

    def __init__(self, limits: Limits, on_abandoned: Callable[[], None]) -> None:
        self.closed = False
        self._limits = limits
        self._on_abandoned = on_abandoned
        self._events: list[RunEvent] = []
        self._first = 0  # the number of the first event that is still here
        self._chars = 0  # in all events so far, dropped ones too
        self._readers: list[Reader] = []
        self._room: asyncio.Future[None] | None = None
        self._abandoned = False

    @property
    def end(self) -> "Place":
        """The place behind the last event."""
        return self._first + len(self._events), self._chars

    def append(self, event: RunEvent) -> None:
        """Write one event. Never waits: who writes much asks for `room` in between."""
        self._events.append(event)
        self._chars += length(event)
        if self._abandoned:
            self.passed()  # by nobody: nothing is kept
        else:
            self._wake()

    def close(self) -> None:
        """Say that nothing more will come."""
        self.closed = True
        self._wake()

    async def room(self) -> None:
        """Wait until the slowest reader lags by less than the bound."""
        while self.is_full:
            self._room = asyncio.get_running_loop().create_future()
            await self._room

    def reader(self, bell: "Bell | None" = None) -> "Reader":
        """Follow the log from the first event that is still here; who follows several gives them one bell."""
        chars = sum(map(length, self._events))
        reader = Reader(self, (self._first, self._chars - chars), bell or Bell())
        self._readers.append(reader)
        return reader

    def after(self, place: "Place") -> list[RunEvent]:
        """Give the events from a place on."""
        return self._events[place[0] - self._first :]

    def passed(self) -> None:
        """Drop what every reader has passed, and let the writer go on."""
        lowest, _ = min((reader.place for reader in self._readers), default=self.end)
        del self._events[: lowest - self._first]
        self._first = lowest
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
        if not self._readers:
            return False
        number, chars = min(reader.place for reader in self._readers)
        last, all_chars = self.end
        return last - number >= self._limits.log_events or all_chars - chars >= self._limits.log_chars

    def _wake(self) -> None:
        for reader in self._readers:
            reader.bell.ring()


Place = tuple[int, int]
"""The number of the next event to read, and the characters of all events before it."""


class Bell:
    """Rings when a log has news: what one task waits by, for one log or for several."""

    def __init__(self) -> None:
        self._news: asyncio.Future[None] | None = None

    def ring(self) -> None:
        """Let who waits go on. Nobody hears it later."""
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    async def wait(self, timeout: float | None) -> None:  # noqa: ASYNC109  # a timer, no cancel scope
        """Wait for the next ring, at most so many seconds."""
        loop = asyncio.get_running_loop()
        self._news = loop.create_future()
        timer = loop.call_later(timeout, self.ring) if timeout is not None else None
        try:
            await self._news
        finally:
            self._news = None
            if timer is not None:
                timer.cancel()


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
        if self.place == self._log.end:
            return []
        events, self.place = self._log.after(self.place), self._log.end
        self._log.passed()
        return events

    def close(self) -> None:
        """Read no more."""
        self._log.leave(self)


def length(event: RunEvent) -> int:
    """Count the characters of an event's text, and the bytes of its sound."""
    if isinstance(event, TextDelta | ReasoningDelta | RefusalDelta):
        return len(event.text)
    if isinstance(event, AudioDelta):
        return len(event.data) + len(event.transcript)
    return len(event.arguments) if isinstance(event, ToolCallDelta) else 0
