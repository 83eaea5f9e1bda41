import asyncio
import functools
import gc
import itertools
import sys
import threading
import time
import types
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator, Iterator
from contextlib import aclosing, contextmanager
from typing import Any

import pytest
from mellea.core import ModelOutputThunk

from mserve.events import Event, TextDelta
from mserve.programs.adapt import adapt
from mserve.programs.turns import TURN

Log = list[tuple[str, str, object]]


async def source(name: str, log: Log, *items: Any) -> AsyncIterator[Any]:
    log.append(("open", name, asyncio.current_task()))
    try:
        for item in items:
            yield item() if callable(item) else item
            await asyncio.sleep(0)
    finally:
        log.append(("close", name, asyncio.current_task()))
        await asyncio.sleep(0)


class Sdks:
    """A stream as the SDKs make them: its iterator is a generator, and `close` is what frees it."""

    def __init__(self, log: Log, *items: Any) -> None:
        self._log = log
        self._items = items
        log.append(("open", "sdk", asyncio.current_task()))

    async def __aiter__(self) -> AsyncIterator[Any]:
        items = source("iterator", self._log, *self._items)
        async with aclosing(items):  # type: ignore[type-var]  # it is a generator
            async for item in items:
                yield item

    async def close(self) -> None:
        self._log.append(("close", "sdk", asyncio.current_task()))
        await asyncio.sleep(0)


class Plain:
    """An iterator with a `close` that is no coroutine."""

    def __init__(self, log: Log, *items: Any) -> None:
        self._items = iter(items)
        self._log = log
        log.append(("open", "plain", asyncio.current_task()))

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        item: Callable[[], Any] | None = next(self._items, None)
        if item is None:
            raise StopAsyncIteration
        return item()

    def close(self) -> None:
        self._log.append(("close", "plain", asyncio.current_task()))


def threaded(log: Log, task: object) -> Iterator[str]:
    log.append(("open", "threaded", task))
    try:
        yield from "de"
    finally:
        log.append(("close", "threaded", task))


def nested(log: Log) -> Any:
    task = asyncio.current_task()
    plain = functools.partial(Plain, log, lambda: threaded(log, task))
    inner = functools.partial(source, "inner", log, "c", plain, "f")

    async def sdks() -> Sdks:
        return Sdks(log, "b", inner, "g")

    return source("outer", log, "a", sdks, "h")


def speak(log: Log) -> AsyncGenerator[Event, None]:
    """Run a program that says streams within streams of every kind, and all letters from a to h."""

    async def program() -> Any:
        return nested(log)

    return adapt(program, sync=False, name="test")


async def say(log: Log) -> str:
    async with aclosing(speak(log)) as events:
        return text_of([event async for event in events])


def text_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def check(log: Log, task: object) -> None:
    """Hold that each source was closed once, the innermost first, all in this task; no thread is left."""
    stack = []
    for what, name, where in log:
        assert where is task
        if what == "open":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert stack == []
    for thread in threading.enumerate():
        if thread.name == "mserve test":
            thread.join(5)
            assert not thread.is_alive()


@contextmanager
def nothing_left() -> Iterator[None]:
    """Hold that no task and no async generator is left; the loop would close the generator in a task of its own."""
    left: list[object] = []
    tasks = asyncio.all_tasks()
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(finalizer=left.append)
    try:
        yield
        gc.collect()
    finally:
        sys.set_asyncgen_hooks(*hooks)
    assert left == []
    assert asyncio.all_tasks() == tasks


async def test_closing_after_any_event_closes_all_sources() -> None:
    with nothing_left():
        for count in range(9):
            log: Log = []
            events = speak(log)
            said = [await anext(events) for _ in range(count)]
            await events.aclose()
            assert text_of(said) == "abcdefgh"[:count]
            check(log, asyncio.current_task())


@types.coroutine
def cancelled_at(number: int, work: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Drive a coroutine, and cancel its task at one of its awaits."""
    step: Callable[[], Any] = functools.partial(work.send, None)
    for await_ in itertools.count():
        try:
            future = step()
        except StopIteration as end:
            return end.value
        if await_ == number:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
        try:
            step = functools.partial(work.send, (yield future))
        except BaseException as error:  # noqa: BLE001  # thrown on
            step = functools.partial(work.throw, error)
    return None


async def cancelled_say(number: int) -> "asyncio.Task[str]":
    log: Log = []
    said = asyncio.create_task(once(cancelled_at(number, say(log))))
    await asyncio.wait([said])
    check(log, said)
    return said


async def once(work: Any) -> Any:
    return await work


async def test_a_cancellation_at_any_await_closes_all_sources() -> None:
    awaits = 0
    with nothing_left():
        while (said := await cancelled_say(awaits)).cancelled():
            awaits += 1
    assert said.result() == "abcdefgh"
    assert awaits > 12


@pytest.mark.parametrize("taken", [1, 2])
async def test_an_error_in_one_close_keeps_no_other_from_closing(taken: int) -> None:
    closed = []

    async def program(depth: int = 0) -> AsyncIterator[Any]:
        try:
            yield program(depth + 1) if depth < 3 else "deep"
        finally:
            closed.append(depth)
            raise ValueError(depth)

    events = adapt(program, sync=False, name="test")
    await anext(events)
    with pytest.raises(ValueError, match="0"):
        await (events.aclose() if taken == 1 else anext(events))
    assert closed == [3, 2, 1, 0]


async def test_what_is_not_begun_yet_is_closed_though_the_others_are_due_a_turn_and_cancel() -> None:
    thunk = ModelOutputThunk(None)
    thunk._gen.generate = asyncio.create_task(asyncio.sleep(60))

    async def start() -> ModelOutputThunk[str]:
        until = time.monotonic() + 2 * TURN
        while time.monotonic() < until:
            pass
        asyncio.get_running_loop().call_soon(telling.cancel)
        return thunk

    async def tell() -> list[Event]:
        return [event async for event in adapt(start, sync=False, name="late")]

    telling = asyncio.create_task(tell())
    await asyncio.wait([telling])
    assert telling.cancelled()
    async with asyncio.timeout(5):
        await asyncio.wait([thunk._gen.generate])
    assert thunk._gen.generate.cancelled()
