"""Calls back at a time, for very many who mostly end before: one timer of the loop serves all. Knows none of them."""

import asyncio
import math
from collections.abc import Callable
from contextvars import Context, copy_context
from heapq import heapify, heappop, heappush
from itertools import count

from msgspec import Struct

_FEW = 64
"""Cancelled timers that nobody minds."""


class Timer(Struct, eq=False):
    """A call at a time, in the context of who asked for it."""

    _timers: "Timers"
    _context: Context | None
    _call: Callable[[], None] | None
    _is_due: bool = False

    @property
    def is_cancelled(self) -> bool:
        """Tell whether nothing will be called."""
        return self._call is None

    def cancel(self) -> None:
        """Call no more, and hold nobody. Again, or once it was called: nothing."""
        if self._call is not None:
            self._call = self._context = None
            if not self._is_due:
                self._timers.cancelled()

    def come(self) -> None:
        """Call in this round of the loop, unless somebody cancels before."""
        self._is_due = True
        self._timers.loop.call_soon(self._fire, context=self._context)

    def _fire(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call()


class Timers:
    """The timers of one loop, in a heap. A loop's own would cost more to make and to cancel than most runs take."""

    __slots__ = ("_cancelled", "_handle", "_heap", "_looks_at", "_nobodys", "_numbers", "loop", "time")

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.time = self.loop.time
        self._heap: list[tuple[float, int, Timer]] = []
        self._numbers = count()
        self._cancelled = 0
        self._looks_at = math.inf
        self._handle: asyncio.TimerHandle | None = None
        self._nobodys = Context()  # not that of whoever was the first to ask

    def at(self, due: float, call: Callable[[], None]) -> Timer:
        """Call this at a time of the loop's clock."""
        timer = Timer(self, copy_context(), call)
        heappush(self._heap, (due, next(self._numbers), timer))
        if due < self._looks_at:
            self._look_at(due)
        return timer

    def cancelled(self) -> None:
        """Note that a timer was cancelled. They are thrown away together, once they are the most."""
        self._cancelled += 1
        if self._cancelled > _FEW and 2 * self._cancelled > len(self._heap):
            self._heap = [entry for entry in self._heap if not entry[2].is_cancelled]
            heapify(self._heap)
            self._cancelled = 0

    def _look_at(self, due: float) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._looks_at = due
        self._handle = self.loop.call_at(due, self._look, context=self._nobodys)

    def _look(self) -> None:
        now = self.time()
        while self._heap and self._heap[0][0] <= now:
            timer = heappop(self._heap)[2]
            if timer.is_cancelled:
                self._cancelled -= 1
            else:
                timer.come()
        self._handle = None
        self._looks_at = math.inf
        if self._heap:
            self._look_at(self._heap[0][0])
