import asyncio
from collections.abc import AsyncIterator

import pytest

from mserve.events import (
    AudioDelta,
    Event,
    ReasoningDelta,
    RefusalDelta,
    RunEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from mserve.options import Limits
from mserve.runs.log import length
from runs.running import Follower, read_all, start, take


async def test_a_reader_takes_everything_that_is_there_at_once() -> None:
    async def program() -> AsyncIterator[str]:
        for _ in range(10):
            yield "a"

    reader = Follower(start(program))
    assert len(await take(reader)) == 11


async def test_a_program_waits_for_a_reader_that_lags_by_the_bound_in_events() -> None:
    said = 0

    async def program() -> AsyncIterator[str]:
        nonlocal said
        while said < 100:
            said += 1
            yield "a"

    run = start(program, Limits(log_events=8))
    reader = Follower(run)
    for _ in range(20):
        await asyncio.sleep(0)
    assert said == 8
    assert len(await take(reader)) == 8
    for _ in range(20):
        await asyncio.sleep(0)
    assert said == 16
    reader.close()
    await asyncio.wait([run.task])


async def test_a_program_waits_for_a_reader_that_lags_by_the_bound_in_characters() -> None:
    said = 0

    async def program() -> AsyncIterator[Event]:
        nonlocal said
        yield ToolCallStart("1", "f")
        while said < 100:
            said += 1
            yield ToolCallDelta("1", "x" * 50)

    run = start(program, Limits(log_chars=100))
    Follower(run)
    for _ in range(20):
        await asyncio.sleep(0)
    assert said == 2
    run.cancel()
    await asyncio.wait([run.task])


async def test_the_slowest_reader_rules_and_each_gets_everything() -> None:
    async def program() -> AsyncIterator[str]:
        for number in range(40):
            yield str(number)

    run = start(program, Limits(log_events=8))
    slow = Follower(run)
    fast = asyncio.create_task(read_all(run))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not fast.done()
    events: list[RunEvent] = []
    while not slow.ended:
        events += await take(slow)
    assert events == await fast
    assert len(events) == 41


async def test_when_the_last_reader_leaves_the_program_is_closed() -> None:
    closed = asyncio.Event()

    async def program() -> AsyncIterator[str]:
        try:
            yield "a"
            await asyncio.Event().wait()
        finally:
            closed.set()

    run = start(program)
    first, second = Follower(run), Follower(run)
    await take(first)
    first.close()
    await asyncio.sleep(0)
    assert not closed.is_set()
    second.close()
    await asyncio.wait([run.task])
    assert closed.is_set()


async def test_a_reader_that_leaves_makes_room() -> None:
    async def program() -> AsyncIterator[str]:
        for _ in range(40):
            yield "a"

    run = start(program, Limits(log_events=8))
    stalled = Follower(run)
    reading = asyncio.create_task(read_all(run))
    await asyncio.sleep(0)
    stalled.close()
    assert len(await reading) == 41


async def test_a_reader_takes_only_what_it_has_not_had() -> None:
    async def program() -> AsyncIterator[str]:
        yield "a"
        await asyncio.Event().wait()

    run = start(program)
    reader = Follower(run)
    assert reader.take() == []
    assert await take(reader) == [TextDelta("a")]
    assert reader.take() == []
    assert not reader.ended
    late = Follower(run)
    assert late.take() == []  # what every reader has passed is dropped
    for each in (reader, late):
        each.close()
    await asyncio.wait([run.task])


SAID: list[tuple[RunEvent, int]] = [
    (TextDelta("ab"), 2),
    (ReasoningDelta("abc"), 3),
    (RefusalDelta("a"), 1),
    (AudioDelta(b"abcd", "ab"), 6),
    (ToolCallDelta("long id", "ab"), 2),
    (ToolCallStart("1", "f"), 0),
    (Usage(1, 1), 0),
]


@pytest.mark.parametrize(("event", "size"), SAID)
def test_the_length_of_an_event_is_what_it_carries(event: RunEvent, size: int) -> None:
    assert length(event) == size


async def test_a_reader_hears_of_what_comes_though_another_lags() -> None:
    said = asyncio.Event()

    async def program() -> AsyncIterator[str]:
        yield "a"
        await said.wait()
        yield "b"
        await asyncio.Event().wait()

    run = start(program)
    slow, fast = Follower(run), Follower(run)
    assert await take(fast) == [TextDelta("a")]
    said.set()
    assert await take(fast) == [TextDelta("b")]
    assert slow.take() == [TextDelta("a"), TextDelta("b")]
    for each in (slow, fast):
        each.close()
