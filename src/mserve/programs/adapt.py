"""Turns whatever a program returns or yields into events, and closes whatever it iterated. Knows no request."""

import asyncio
import functools
import inspect
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterator
from time import monotonic
from typing import Any

from mserve.events import Event

from .speech import Speech, unknown
from .threads import in_thread

TURN = 0.002
"""Seconds for which a program that always has more to say may keep the loop from everybody else."""


async def adapt(start: Callable[[], Any], *, sync: bool, name: str) -> AsyncGenerator[Event, None]:
    """Run a program by calling `start`, on a thread where it is `sync`, and yield what it says.

    All of it happens in the task that iterates. `ProgramError` for an item that is nothing a program may say.
    """
    speech = Speech()
    # What is being iterated, the innermost last: an item may itself be a stream, a generator or a thunk.
    sources = [_Source(in_thread(start, name) if sync else _called(start))]
    turns = _Turns()
    try:
        while sources:
            if turns.is_overdue():
                await asyncio.sleep(0)
                turns.begin()
            try:
                item = await anext(sources[-1].items)
            except StopAsyncIteration:
                await sources.pop().close()
                continue
            said = speech.events(item)
            while said is None and inspect.isawaitable(item):
                item = await item
                said = speech.events(item)
            if said is None:
                sources.append(_Source(_iterable(item, name)))
            elif isinstance(said, AsyncGenerator):
                sources.append(_Source(said))
            else:
                for event in said:
                    yield event
        for event in speech.rest():
            yield event
    finally:
        await _close_all(sources)


def is_sync(serve: Callable[..., Any]) -> bool:
    """Tell whether calling `serve` runs user code at once, which then has to happen on a thread."""
    while isinstance(serve, functools.partial):
        serve = serve.func
    for function in (serve, getattr(serve, "__call__", None)):  # noqa: B004  # the method
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            return False
    return True


class _Turns:
    """Tells when a program has kept the loop for too long. One that waits between its items never does."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._due = 0.0
        self._has_turned = True

    def is_overdue(self) -> bool:
        """Tell whether others have to have a turn now, before the next begins."""
        if monotonic() < self._due:
            return False
        if not self._has_turned:
            return True
        self.begin()
        return False

    def begin(self) -> None:
        """Count from now on."""
        self._due = monotonic() + TURN
        self._has_turned = False
        self._loop.call_soon(self._note)

    def _note(self) -> None:
        self._has_turned = True


class _Source:
    """Something to iterate, and to close: the iterator of an SDK's stream is not what closes the stream."""

    def __init__(self, iterable: AsyncIterable[Any]) -> None:
        self.items: AsyncIterator[Any] = aiter(iterable)
        self._iterable = iterable

    async def close(self) -> None:
        """Close the iterator, then what it iterates."""
        try:
            await _close(self.items)
        finally:
            if self._iterable is not self.items:
                await _close(self._iterable)


async def _called(start: Callable[[], Any]) -> AsyncGenerator[Any, None]:
    yield start()


def _iterable(item: object, name: str) -> AsyncIterable[Any]:
    if isinstance(item, AsyncIterable):
        return item
    if isinstance(item, Iterator):
        return in_thread(lambda: item, name)
    raise unknown(item)


async def _close(stream: AsyncIterable[Any]) -> None:
    """Close it the way its kind is closed: a generator by `aclose`, an SDK's stream by `close`."""
    close = getattr(stream, "aclose", None) or getattr(stream, "close", None)
    if close is not None:
        closing = close()
        if inspect.isawaitable(closing):
            await closing


async def _close_all(sources: list[_Source]) -> None:
    if sources:
        try:
            await sources.pop().close()
        finally:
            await _close_all(sources)
