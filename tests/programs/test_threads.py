import asyncio
import functools
import gc
import itertools
import threading
import weakref
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest

from mserve.programs.threads import AHEAD, in_thread

LIMIT = 5.0
WHERE: ContextVar[str] = ContextVar("where", default="nowhere")


async def until(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, LIMIT)


def program_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("mserve ")]


async def all_of(function: Callable[[], Any]) -> list[Any]:
    return [item async for item in in_thread(function, "test")]


async def test_every_step_and_the_close_are_on_one_thread_that_is_not_the_loops() -> None:
    threads = []

    def program() -> Iterator[int]:
        try:
            for number in range(3 * AHEAD):
                threads.append(threading.current_thread())
                yield number
        finally:
            threads.append(threading.current_thread())

    assert await all_of(program) == list(range(3 * AHEAD))
    assert len(set(threads)) == 1
    assert threads[0] is not threading.current_thread()
    assert threads[0].name == "mserve test"
    assert threads[0].daemon


async def test_a_function_that_returns_no_iterator_gives_that_one_value() -> None:
    assert await all_of(lambda: [1, 2]) == [[1, 2]]
    assert await all_of(lambda: None) == [None]


async def test_an_iterator_needs_no_close() -> None:
    assert await all_of(lambda: map(str, (1, 2))) == ["1", "2"]


async def test_the_program_has_a_copy_of_its_callers_context() -> None:
    def program() -> Iterator[str]:
        yield WHERE.get()
        WHERE.set("the thread")
        yield WHERE.get()

    WHERE.set("the loop")
    assert await all_of(program) == ["the loop", "the thread"]
    assert WHERE.get() == "the loop"


async def test_the_loop_keeps_turning_while_the_program_steps() -> None:
    turned = threading.Event()
    asyncio.get_running_loop().call_soon(asyncio.get_running_loop().call_soon, turned.set)
    assert await all_of(lambda: turned.wait(LIMIT)) == [True]


async def test_items_come_while_the_program_goes_on() -> None:
    taken = threading.Event()

    def program() -> Iterator[object]:
        yield "first"
        yield taken.wait(LIMIT)

    items = in_thread(program, "test")
    assert await anext(items) == "first"
    taken.set()
    assert [item async for item in items] == [True]


async def test_a_program_that_is_far_ahead_waits() -> None:
    taken, full, too_far = threading.Event(), threading.Event(), threading.Event()

    def program() -> Iterator[int]:
        yield 0
        taken.wait(LIMIT)
        yield from range(AHEAD)
        full.set()
        yield AHEAD  # in its hand: there is no room for it
        too_far.set()
        yield from range(AHEAD)

    items = in_thread(program, "test")
    await anext(items)
    taken.set()
    await until(full)
    assert not await asyncio.to_thread(too_far.wait, 0.05)
    assert len([item async for item in items]) == 2 * AHEAD + 1
    assert too_far.is_set()


async def test_a_program_that_waits_goes_on_as_soon_as_there_is_room() -> None:
    async with asyncio.timeout(LIMIT):  # it looks by itself now and then: twenty looks would take longer
        assert await all_of(lambda: iter(range(20 * AHEAD))) == list(range(20 * AHEAD))


async def test_a_program_that_waits_is_closed_at_once() -> None:
    async with asyncio.timeout(LIMIT):  # as above
        for _ in range(20):
            full = threading.Event()
            items = in_thread(functools.partial(endless, full), "test")
            await anext(items)
            await until(full)
            await items.aclose()


def endless(full: threading.Event) -> Iterator[int]:
    yield from range(AHEAD + 1)
    full.set()
    yield from itertools.repeat(0)


@pytest.mark.parametrize("steps", [1, AHEAD, AHEAD + 1, AHEAD + 2, 3 * AHEAD])
async def test_closing_closes_the_program_on_its_thread_and_leaves_none(steps: int) -> None:
    closed_on = []

    def program() -> Iterator[int]:
        try:
            yield from range(steps)
        finally:
            closed_on.append(threading.current_thread().name)

    items = in_thread(program, "test")
    assert await anext(items) == 0
    await items.aclose()
    assert closed_on == ["mserve test"]
    await no_threads()


async def no_threads() -> None:
    """The thread's last act is to tell of its end; it is gone a moment later."""
    for thread in threading.enumerate():
        if thread.name.startswith("mserve "):
            await asyncio.to_thread(thread.join, LIMIT)
    assert program_threads() == []


async def test_what_was_said_before_an_error_comes_before_it() -> None:
    def program() -> Iterator[int]:
        yield from range(3)
        raise ValueError("late")

    items = in_thread(program, "test")
    assert [await anext(items) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="late"):
        await anext(items)


async def test_an_error_is_freed_without_the_garbage_collector() -> None:
    class Heavy(Exception):  # noqa: N818  # what it is, not what went wrong
        pass

    def program() -> None:
        raise Heavy

    gc.disable()
    try:
        with pytest.raises(Heavy) as caught:
            await all_of(program)
        heavy = weakref.ref(caught.value)
        del caught
        await no_threads()
        assert heavy() is None
    finally:
        gc.enable()


async def test_an_iterator_that_the_program_says_is_read_on_the_same_thread_before_the_program_goes_on() -> None:
    log: list[object] = []

    def inner() -> Iterator[str]:
        try:
            log.append(threading.current_thread())
            yield "a"
            yield "b"
        finally:
            log.append("inner closed")

    def program() -> Iterator[Any]:
        log.append(threading.current_thread())
        yield inner()
        log.append("went on")
        yield map(str, (1, 2))

    assert await all_of(program) == ["a", "b", "1", "2"]
    assert log == [log[0], log[0], "inner closed", "went on"]
