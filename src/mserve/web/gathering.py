"""Decides when streams send what they have: at once, or a moment later with what follows. Knows nothing of them."""

import asyncio
from collections.abc import Callable

Flush = Callable[[], None]
"""Sends what somebody has by then. Raises nothing."""


class Gathering:
    """Calls the streams of one loop that have something to send, all of them together: one timer for however many."""

    __slots__ = ("_later", "_seconds", "_soon", "loop")

    def __init__(self, seconds: float) -> None:
        """Make one that lets `seconds` pass between two writes of a stream, and never more, if the loop is in time."""
        self._seconds = seconds
        self.loop = asyncio.get_running_loop()
        self._soon: list[Flush] = []
        self._later: list[Flush] = []

    def add(self, flush: Flush, wrote: float) -> None:
        """Have `flush` called once: in this round of the loop, or, after a write a moment ago, with the others."""
        if self.loop.time() < wrote + self._seconds:
            if not self._later:
                self.loop.call_later(self._seconds, self._flush_later)
            self._later.append(flush)
        else:
            if not self._soon:
                self.loop.call_soon(self._flush_soon)
            self._soon.append(flush)

    def _flush_soon(self) -> None:
        soon, self._soon = self._soon, []
        for flush in soon:
            flush()

    def _flush_later(self) -> None:
        later, self._later = self._later, []
        for flush in later:
            flush()
