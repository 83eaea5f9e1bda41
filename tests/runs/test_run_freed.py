"""A run is freed as soon as it has ended and nobody reads it: nothing of it waits for the garbage to be collected."""

import asyncio
import gc
import logging
import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from mserve.errors import ClientError
from mserve.events import TextDelta
from mserve.options import Limits, Times
from mserve.program import Cancelled
from mserve.runs.run import Run
from runs.running import LIMIT, Follower, read_all, start, take


async def finishes() -> AsyncIterator[str]:
    yield "a"


async def fails() -> str:
    raise ValueError


async def fails_late() -> AsyncIterator[str]:
    yield "a"
    raise ClientError("no")


async def waits() -> AsyncIterator[str]:
    yield "a"
    await asyncio.sleep(LIMIT)


async def floods() -> AsyncIterator[str]:
    while True:
        yield "a"


async def is_deaf() -> AsyncIterator[str]:
    yield "a"
    try:
        await asyncio.sleep(LIMIT)
    except asyncio.CancelledError:
        yield "b"


def finishes_on_a_thread() -> str:
    return "a"


def fails_on_a_thread() -> Iterator[str]:
    yield "a"
    raise SystemExit


def waits_on_a_thread(cancelled: Cancelled) -> Iterator[str]:
    yield "a"
    while not cancelled.is_set():
        time.sleep(0.01)


@pytest.fixture
def no_collection() -> Iterator[None]:
    logging.disable()  # pytest keeps the errors that are logged, and they their frames
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    logging.disable(logging.NOTSET)


async def ended(serve: Callable[..., Any], *, leaves: bool, times: Times) -> "weakref.ref[Run]":
    run = start(serve, Limits(log_events=2), times=times)
    if leaves:
        reader = Follower(run)
        await take(reader)
        reader.close()
    else:
        await read_all(run)
    await asyncio.wait([run.task])
    return weakref.ref(run)


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize(
    ("serve", "leaves"),
    [
        (finishes, False),
        (fails, False),
        (fails_late, False),
        (waits, True),
        (floods, True),
        (is_deaf, True),
        (waits, False),
        (finishes_on_a_thread, False),
        (fails_on_a_thread, False),
        (waits_on_a_thread, True),
    ],
)
async def test_a_run_that_ended_is_freed_without_a_collection(serve: Callable[..., Any], *, leaves: bool) -> None:
    freed = await ended(serve, leaves=leaves, times=Times(between_events=LIMIT if leaves else 0.05))
    for _ in range(3):  # the callbacks of its task
        await asyncio.sleep(0)
    assert freed() is None


class Messages(list[dict[str, Any]]):
    """A conversation that one can look for."""


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize("keeps", [False, True])
async def test_what_a_program_does_not_take_of_a_request_is_freed_while_it_answers(*, keeps: bool) -> None:
    async def takes_the_prompt(prompt: str) -> AsyncIterator[str]:
        yield prompt
        await asyncio.sleep(LIMIT)

    async def takes_all(messages: Any) -> AsyncIterator[str]:
        yield messages[0]["content"]
        await asyncio.sleep(LIMIT)

    def begin() -> tuple[Run, "weakref.ref[Messages]"]:
        messages = Messages([{"role": "user", "content": "hello"}])
        return start(takes_all if keeps else takes_the_prompt, messages=messages), weakref.ref(messages)

    run, sent = begin()
    reader = Follower(run)
    assert await take(reader) == [TextDelta("hello")]
    assert (sent() is not None) == keeps
    reader.close()
    await asyncio.wait([run.task])
