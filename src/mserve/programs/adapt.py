"""Turns whatever a program returns or yields into events, and closes whatever it iterated. Knows no request."""

import functools
import inspect
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from time import monotonic
from typing import Any

from mserve.events import Event
from mserve.program import NO_LINE, SHORT, Line

from .checks import is_whole
from .speech import Speech, unknown
from .threads import in_thread
from .turns import Turn


async def adapt(
    start: Callable[[], Any], *, sync: bool, name: str, line: Line = NO_LINE
) -> AsyncGenerator[Event, None]:
    """Run a program by calling `start`, on a thread where it is `sync`, and yield what it says.

    Plain text that `line` takes is not yielded. All of it happens in the task that iterates. `ProgramError` for an item
    that is nothing a program may say.
    """
    speech = Speech()
    # What is being iterated, the innermost last: an item may itself be a stream, a generator or a thunk.
    sources = [_Source(in_thread(start, name) if sync else _Called(start))]
    del start  # it holds the request, which may be long: what the program does not keep shall go
    turn = Turn()
    is_new = False
    try:
        while sources:
            # A generator that was not begun closes nothing: its first step comes before.
            if not is_new and turn.is_over():
                await turn.pause()
            texts, room = line.lend() if speech.is_plain else ([], 0)
            step, item, is_event = sources[-1].step, None, False
            try:
                # Nearly all that is ever said: each further call and object here would be one for each token.
                for _ in range(room or 1):
                    item = await step()
                    if (
                        not room
                        or type(item) is not str
                        or not item
                        or len(item) > SHORT
                        or not (item.isascii() or is_whole(item))
                        or not (line.flows or line.tell())
                    ):
                        is_event = True
                        break
                    texts.append(item)
                    if monotonic() >= turn.due:
                        break
            except StopAsyncIteration:
                await sources.pop().close()
                continue
            said = await _meant(item, speech, name) if is_event else ()
            if isinstance(said, AsyncIterable):
                sources.append(_Source(said))
                is_new = True
            else:
                for event in said:
                    yield event
                is_new = False
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


class _Source:
    """Something to iterate, and to close: the iterator of an SDK's stream is not what closes the stream."""

    __slots__ = ("_items", "_iterable", "step")

    def __init__(self, iterable: AsyncIterable[Any]) -> None:
        self._items: AsyncIterator[Any] = aiter(iterable)
        self._iterable = iterable
        self.step = self._items.__anext__

    async def close(self) -> None:
        """Close the iterator, then what it iterates."""
        try:
            await _close(self._items)
        finally:
            if self._iterable is not self._items:
                await _close(self._iterable)


class _Called:
    """Gives what calling a program gives. No generator, which the loop would keep a list of."""

    __slots__ = ("_start",)

    def __init__(self, start: Callable[[], Any]) -> None:
        self._start: Callable[[], Any] | None = start

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        start, self._start = self._start, None
        if start is None:
            raise StopAsyncIteration
        return start()


async def _meant(item: Any, speech: Speech, name: str) -> Iterable[Event] | AsyncIterable[Any]:
    """Give the events of an item, or of what comes of it; or what to iterate for more of them."""
    said = speech.events(item)
    while said is None and inspect.isawaitable(item):
        item = await item
        said = speech.events(item)
    return _iterable(item, name) if said is None else said


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
