"""Decides when streams send what they have: at once, or a moment later with what follows. Knows nothing of them."""

import asyncio
from collections.abc import Callable
from time import perf_counter

Flush = Callable[[], None]
"""Sends what somebody has by then. Raises nothing."""


_NOTHING = 0.00002
"""Seconds that a round of the loop takes at most in which nothing is done."""


class Gathering:
    """Calls the streams of one loop that have something to send, all of them together: one timer for however many."""

    __slots__ = ("_began", "_due", "_ended", "_later", "_looked", "_seconds", "_soon", "loop")

    def __init__(self, seconds: float) -> None:
        """Make one that lets `seconds` pass between two writes of a stream, and never more, if the loop is in time."""
        self._seconds = seconds
        self.loop = asyncio.get_running_loop()
        self._soon: list[Flush] = []
        self._later: list[Flush] = []
        self._due = self._looked = self._began = self._ended = 0.0

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
        """Flush, unless there is time left, and others use it.

        A loop that counts milliseconds comes too early, by half of one on average. A busy one would only write,
        which takes the most time of all: its next rounds are waited for; those of an idle one are not.
        """
        now = perf_counter()
        if now < self._due and now - self._looked > _NOTHING:
            self._looked = now
            self.loop.call_soon(self._look)
        else:
            later, self._later = self._later, []
            self._flush(later)

    def _flush(self, flushes: list[Flush]) -> None:
        self._began = self.loop.time()
        for flush in flushes:
            flush()
        self._ended = self.loop.time()
