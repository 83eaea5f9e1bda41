"""Tells when a client was silent for too long. It never blames a client for what the server did not listen to."""

import asyncio
import math
from collections.abc import Callable

_HELD = 0.5
"""Seconds that a timer may come late: then something held the loop, and what clients sent lies there unread."""
_AGAIN = 1.0
"""Seconds until the next look, where this one cannot tell."""


class Alarm:
    """Calls `ring` once nothing was heard for some time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None], is_deaf: Callable[[], bool]) -> None:
        self._loop = loop
        self._ring: Callable[[], None] | None = ring
        self._is_deaf: Callable[[], bool] | None = is_deaf
        self._timer: asyncio.TimerHandle | None = None
        self._patience = self._in_all = self._began = self._heard = 0.0
        self._due = math.inf

    def set(self, patience: float, in_all: float = math.inf) -> None:
        """Begin to wait: so many seconds without a sign, so many with them; `math.inf` waits for nothing.

        One timer serves many waits: most of them end long before they are due.
        """
        self._patience, self._in_all = patience, in_all
        self._began = self._heard = now = self._loop.time()
        if now + patience < self._due:
            self._look_at(now + patience)

    def hear(self) -> None:
        """Note a sign: costs no new timer."""
        self._heard = self._loop.time()

    def end(self) -> None:
        """Wait for nothing ever again, and let go of who was to be told."""
        self._cancel()
        self._ring = self._is_deaf = None

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_at(self, due: float) -> None:
        self._cancel()
        self._due = due
        self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        now, due = self._loop.time(), self._due
        self._timer, self._due = None, math.inf
        assert self._ring is not None and self._is_deaf is not None, "an ended alarm has no timer"  # noqa: PT018, S101
        if self._patience == math.inf:
            return
        if self._is_deaf():
            self._began = self._heard = now
            self._look_at(now + _AGAIN)
        elif now - due > _HELD:
            self._look_at(now + _AGAIN)
        elif (left := min(self._heard + self._patience, self._began + self._in_all)) > now:
            self._look_at(left)
        else:
            self._ring()
