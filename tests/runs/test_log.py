import asyncio
import math
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
from mserve.runs.log import Bell, length
from runs.running import LIMIT, read_all, start, take


async def test_a_reader_takes_everything_that_is_there_at_once() -> None:
    async def program() -> AsyncIterator[str]:
        for _ in range(10):
            yield "a"

    reader = start(program).reader()
    assert len(await take(reader)) == 11


async def test_a_program_waits_for_a_reader_that_lags_by_the_bound_in_events() -> None:
    said = 0

    async def program() -> AsyncIterator[str]:
        nonlocal said
        while said < 100:
            said += 1
            yield "a"

    run = start(program, Limits(log_events=8))
    reader = run.reader()
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
    run.reader()
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
    slow = run.reader()
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
    first, second = run.reader(), run.reader()
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
    stalled = run.reader()
    reading = asyncio.create_task(read_all(run))
    await asyncio.sleep(0)
    stalled.close()
    assert len(await reading) == 41


async def test_a_bell_is_waited_for_until_somebody_rings_it_or_its_time_is_up() -> None:
    bell, clock = Bell(), asyncio.get_running_loop().time
    started = clock()
    await bell.wait(clock() + 0.05)
    assert 0.04 < clock() - started < 1
    for until in (math.inf, clock() + 60):
        asyncio.get_running_loop().call_soon(bell.ring)
        async with asyncio.timeout(LIMIT):
            await bell.wait(until)
    bell.ring()  # nobody waits, and nobody hears it later
    bell.ring()
    waiting = asyncio.ensure_future(bell.wait(clock() + 0.02))  # sooner than the 60 s that the timer was set for
    await asyncio.sleep(0)
    bell.ring()
    await waiting
    waiting = asyncio.ensure_future(bell.wait())
    await asyncio.sleep(0.04)  # the time of the one before is not this one's
    assert not waiting.done()
    bell.ring()
    bell.ring()
    await waiting
    bell.ring()
    started = clock()
    first = asyncio.ensure_future(bell.wait(started + 0.02))
    await asyncio.sleep(0)
    bell.ring()
    await first
    await bell.wait(started + 0.06)  # though a timer is set for earlier
    assert 0.055 < clock() - started < 1
    bell.end()


async def test_a_reader_takes_only_what_it_has_not_had() -> None:
    async def program() -> AsyncIterator[str]:
        yield "a"
        await asyncio.Event().wait()

    run = start(program)
    reader = run.reader()
    assert reader.take() == []
    assert await take(reader) == [TextDelta("a")]
    assert reader.take() == []
    assert not reader.ended
    late = run.reader()
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
