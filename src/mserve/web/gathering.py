"""Decides when streams send what they have: at once, or a moment later with what follows. Knows nothing of them."""

import asyncio
from collections.abc import Callable
from time import perf_counter

Flush = Callable[[], None]
"""Sends what somebody has by then. Raises nothing."""


class Gathering:
    """Calls the streams of one loop that have something to send, all of them together: one timer for however many."""

    __slots__ = ("_began", "_due", "_ended", "_later", "_seconds", "_soon", "loop")

    def __init__(self, seconds: float) -> None:
        """Make one by which nothing waits for longer than `seconds`, if the loop is in time."""
        self._seconds = seconds
        self.loop = asyncio.get_running_loop()
        self._soon: list[Flush] = []
        self._later: list[Flush] = []
        self._due = self._began = self._ended = 0.0

    def add(self, flush: Flush, wrote: float) -> None:
        """Have `flush` called once: in this round of the loop, or, after a write a moment ago, with the others."""
        # Many writes together take time, in which nobody says anything: it is no pause of theirs.
        since = self._ended if self._began <= wrote < self._ended else wrote
        if self.loop.time() < since + self._seconds:
            if not self._later:
                self._due = perf_counter() + self._seconds
                self.loop.call_later(self._seconds, self._look)
            self._later.append(flush)
        else:
            if not self._soon:
                self.loop.call_soon(self._flush_soon)
            self._soon.append(flush)

    def _flush_soon(self) -> None:
        soon, self._soon = self._soon, []
        self._flush(soon)

    def _look(self) -> None:
        """Flush, if it is time: a busy loop that counts milliseconds comes too early, by half of one on average.

        It would only write, which takes the most time of all.
        """
        if perf_counter() < self._due:
            self.loop.call_soon(self._look)
        else:
            later, self._later = self._later, []
            self._flush(later)

    def _flush(self, flushes: list[Flush]) -> None:
        self._began = self.loop.time()
        for flush in flushes:
            flush()
        self._ended = self.loop.time()
