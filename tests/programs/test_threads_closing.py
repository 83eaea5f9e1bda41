import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from typing import Any

import pytest

from mserve.programs.threads import AHEAD, in_thread

LIMIT = 5.0


async def until(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, LIMIT)


async def several_ticks() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def stepping(gate: threading.Event, log: list[str]) -> AsyncGenerator[Any, None]:
    """Give a program that was started and is now in a step, which lasts until the gate opens."""
    entered = threading.Event()

    def program() -> Iterator[str]:
        try:
            yield "first"
            entered.set()
            gate.wait(LIMIT)
            log.append("stepped")
            yield "second"
            log.append("went on")
        finally:
            log.append("closed")

    items = in_thread(program, "test")
    assert await anext(items) == "first"
    await until(entered)
    return items


async def close(items: AsyncGenerator[Any, None]) -> None:
    await items.aclose()


async def next_of(items: AsyncGenerator[Any, None]) -> object:
    return await anext(items)


Wait = Callable[[AsyncGenerator[Any, None]], Coroutine[Any, Any, object]]


async def test_closing_waits_for_the_current_step_and_makes_no_other() -> None:
    gate, log = threading.Event(), list[str]()
    items = await stepping(gate, log)
    closing = asyncio.create_task(close(items))
    await several_ticks()
    assert not closing.done()
    gate.set()
    await closing
    assert log == ["stepped", "closed"]


@pytest.mark.parametrize("wait", [next_of, close])
async def test_a_cancelled_wait_or_closing_ends_when_the_current_step_does(wait: Wait) -> None:
    gate, log = threading.Event(), list[str]()
    items = await stepping(gate, log)
    waiting = asyncio.create_task(wait(items))
    await several_ticks()
    waiting.cancel()
    await several_ticks()
    assert not waiting.done()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert log == ["stepped", "closed"]


async def test_a_second_cancellation_leaves_the_thread_behind() -> None:
    gate, log = threading.Event(), list[str]()
    items = await stepping(gate, log)
    waiting = asyncio.create_task(next_of(items))
    await several_ticks()
    waiting.cancel()
    await several_ticks()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert log == []
    gate.set()


async def test_what_the_program_raises_when_it_is_closed_is_raised_by_the_closing() -> None:
    error = ValueError("while closing")

    def program() -> Iterator[int]:
        try:
            yield 1
            yield 2
        finally:
            raise error

    items = in_thread(program, "test")
    await anext(items)
    with pytest.raises(ValueError, match="while closing") as caught:
        await items.aclose()
    assert caught.value is error


async def test_closing_closes_the_iterators_that_were_said_innermost_first() -> None:
    closed: list[int] = []

    def program(depth: int) -> Iterator[Any]:
        try:
            yield program(depth + 1) if depth < 3 else "deep"
            yield "not reached"
        finally:
            closed.append(depth)

    items = in_thread(lambda: program(0), "test")
    assert await anext(items) == "deep"
    await items.aclose()
    assert closed == [3, 2, 1, 0]


@pytest.mark.parametrize("waiting", [0, AHEAD])
def test_a_thread_whose_loop_is_closed_during_a_step_closes_its_program_and_ends(waiting: int) -> None:
    gate, last_step, closed = threading.Event(), threading.Event(), threading.Event()

    def program() -> Iterator[int]:
        try:
            yield -1
            yield from range(waiting)
            last_step.set()
            gate.wait(LIMIT)
            yield from range(2 * AHEAD)
        finally:
            closed.set()

    orphan = thread_without_loop(program, last_step)
    gate.set()
    orphan.join(LIMIT)
    assert not orphan.is_alive()
    assert closed.is_set()


def test_a_thread_whose_loop_is_closed_while_it_waits_for_room_closes_its_program_and_ends() -> None:
    full, closed = threading.Event(), threading.Event()

    def program() -> Iterator[int]:
        try:
            yield from range(AHEAD + 1)
            full.set()
            yield from range(2 * AHEAD)
        finally:
            closed.set()

    orphan = thread_without_loop(program, full)
    orphan.join(LIMIT)
    assert not orphan.is_alive()
    assert closed.is_set()


def thread_without_loop(program: Callable[[], Iterator[int]], reached: threading.Event) -> threading.Thread:
    """Start a program, take one item, and close the loop once the program has got to a point, without any goodbye."""
    loop = asyncio.new_event_loop()
    loop.run_until_complete(next_of(in_thread(program, "orphan")))
    (thread,) = (thread for thread in threading.enumerate() if thread.name == "mserve orphan")
    assert reached.wait(LIMIT)
    loop.close()
    return thread
