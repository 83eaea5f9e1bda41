"""What one task waits by: for news of one log or of several, or for its turn. Knows none of them."""

import asyncio
import math

from msgspec import Struct, field


class Bell(Struct, eq=False):
    """Rings when there is news, or when its time is up. Whoever has one ends it."""

    has_rung: bool = False
    """Whether it rang since somebody set this to False."""
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    _news: asyncio.Future[None] | None = None
    _due: float = math.inf
    _timer: asyncio.TimerHandle | None = None
    _looks_at: float = math.inf  # what the timer is set for: uvloop's handles do not all tell it

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
        self._news = self._loop.create_future()
        return self._news

    def end(self) -> None:
        """Ring no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _set(self, due: float) -> None:
        self.end()
        self._looks_at = due
        self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        self._timer = None
        self._looks_at = math.inf
        if self._due <= self._loop.time():
            self.ring()
        elif self._due < math.inf:
            self._set(self._due)
