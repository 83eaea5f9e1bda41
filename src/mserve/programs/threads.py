"""Runs sync programs away from the event loop: each on one thread of its own, from its first step to its close."""

import asyncio
import contextvars
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import suppress
from typing import Any

AHEAD = 64
"""Items that a sync program may be ahead of the loop before it has to wait."""

_LOOK = 0.5
"""Seconds after which a program that waits looks whether its loop still lives: a closed one tells nobody."""


async def in_thread(function: Callable[[], Any], name: str) -> AsyncGenerator[Any, None]:
    """Call `function` on a thread and yield what it returns, or each item where that is an iterator.

    Iterators, those among the items too, are stepped and closed on that same thread, in a copy of the caller's context.
    A thread cannot be interrupted: closing this generator waits until the program's current step ends.
    """
    bridge = _Bridge(asyncio.get_running_loop())
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(bridge.drive, function), name=f"mserve {name}", daemon=True).start()
    try:
        while items := await bridge.take():
            for item in items:
                yield item
    finally:
        await bridge.end()


class _Bridge:
    """Carries items from one thread to one loop, at most `AHEAD` of them at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._changed = threading.Condition()
        self._items: deque[Any] = deque()
        self._stopped = False
        self._error: BaseException | None = None
        self._news = asyncio.Event()
        self._end = asyncio.Event()

    def drive(self, function: Callable[[], Any]) -> None:
        """Run the program to its end. On the thread."""
        try:
            self._step(iter((function(),)))
        except BaseException as error:  # noqa: BLE001  # a program may even raise SystemExit: it ends its run, not us
            self._error = error
        finally:
            self._tell(self._end)

    def _step(self, items: Iterator[Any]) -> bool:
        """Hand over all items; an iterator among them is read in its place. False once nobody wants more."""
        try:
            return all(self._step(item) if isinstance(item, Iterator) else self._put(item) for item in items)
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                close()

    def _put(self, item: object) -> bool:
        """Hand one item over; False once nobody wants more."""
        with self._changed:
            while len(self._items) >= AHEAD and not self._stopped:
                self._changed.wait(_LOOK)
                self._stopped |= self._loop.is_closed()
            if not self._stopped:
                self._items.append(item)
            first = len(self._items) == 1
        if first:
            self._tell(self._news)
        return not self._stopped

    def _tell(self, event: asyncio.Event) -> None:
        def tell() -> None:
            self._news.set()
            event.set()

        with suppress(RuntimeError):  # the loop was closed during a step of the program: nobody is left to hear of it
            self._loop.call_soon_threadsafe(tell)

    async def take(self) -> list[Any]:
        """Give all items that have come, at least one; none once the program has ended."""
        while True:
            self._news.clear()
            with self._changed:
                items = list(self._items)
                self._items.clear()
                self._changed.notify_all()
            if items or self._end.is_set():
                return items
            await self._news.wait()

    async def end(self) -> None:
        """End the program after its current step, and raise what it raised.

        A cancellation waits for that end too: as long as user code runs, its run has not ended. Who cancels a second
        time, as a loop does that closes, wants to be gone: the thread is left behind.
        """
        with self._changed:
            self._stopped = True
            self._items.clear()
            self._changed.notify_all()
        cancelled: BaseException | None = None
        while not self._end.is_set():
            try:
                await self._end.wait()
            except asyncio.CancelledError as again:
                task = asyncio.current_task()
                if task is not None and task.cancelling() > 1:
                    raise
                cancelled = again
        error, self._error = self._error or cancelled, None
        if error is not None:
            try:
                raise error
            finally:
                del error, cancelled  # a traceback holds this frame: without the cycle all of it goes at once
