import asyncio
from collections.abc import AsyncIterator

from mserve.events import Event, RunEvent, ToolCallDelta, ToolCallStart
from mserve.options import Limits
from runs.running import read_all, start


async def test_a_reader_takes_everything_that_is_there_at_once() -> None:
    async def program() -> AsyncIterator[str]:
        for _ in range(10):
            yield "a"

    reader = start(program).reader()
    assert len(await reader.take()) == 11


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
    assert len(await reader.take()) == 8
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
        events += await slow.take()
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
    await first.take()
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


async def test_take_gives_nothing_after_its_timeout_and_when_woken() -> None:
    async def program() -> str:
        await asyncio.Event().wait()
        return "never"

    run = start(program)
    reader = run.reader()
    assert await reader.take(0.01) == []
    asyncio.get_running_loop().call_soon(reader.wake)
    assert await reader.take() == []
    assert not reader.ended
    reader.close()
    await asyncio.wait([run.task])
