"""What one task waits by: for news of one log or of several, or for its turn. Knows none of them."""

import asyncio
import math

from msgspec import Struct

from .timers import Timer, Timers


class Bell(Struct, eq=False):
    """Rings when there is news, or when its time is up. Whoever has one ends it."""

    _timers: Timers
    has_rung: bool = False
    """Whether it rang since somebody set this to False."""
    _news: asyncio.Future[None] | None = None
    _due: float = math.inf
    _timer: Timer | None = None
    _looks_at: float = math.inf  # what the timer is set for

    def ring(self) -> None:
        """Let who waits go on."""
        self.has_rung = True
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def wait(self, until: float = math.inf) -> asyncio.Future[None]:
        """Give what to await: the next ring, at most until a time of the loop's clock. One may wait at a time."""
        self._due = until
        # One timer serves many waits: most of them end long before they are due.
        if until < self._looks_at:
            self._set(until)
        self._news = self._timers.loop.create_future()
        return self._news

    def end(self) -> None:
        """Ring no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _set(self, due: float) -> None:
        self.end()
        self._looks_at = due
        self._timer = self._timers.at(due, self._look)

    def _look(self) -> None:
        self._timer = None
        self._looks_at = math.inf
        if self._due <= self._timers.time():
            self.ring()
        elif self._due < math.inf:
            self._set(self._due)
