"""Plain text takes a short way into the log: whatever surrounds it, the log is the one of the long way."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mserve.events import ReasoningDelta, RunEvent, TextDelta, Usage
from mserve.options import Limits
from runs.running import Follower, log_of, read_all, start, take

ITEMS = st.lists(
    st.sampled_from(["a", "b" * 7, "", "é", "\ud83d", "\ude00", "x" * 255, "y" * 256, "x" * 5000, "stop", "-"])
    | st.sampled_from([TextDelta("c"), ReasoningDelta("d"), Usage(1, 1), {"whole": 1}]),
    max_size=12,
)


async def both_ways(items: list[Any], **fields: Any) -> tuple[list[RunEvent], list[RunEvent]]:
    async def short() -> AsyncIterator[Any]:
        for item in items:
            if item == "-":
                await asyncio.sleep(0)
            else:
                yield item

    async def long() -> AsyncIterator[Any]:
        async for item in short():
            yield TextDelta(item) if isinstance(item, str) else item

    return await log_of(short, **fields), await log_of(long, **fields)


@given(
    items=ITEMS,
    limits=st.builds(
        Limits,
        log_events=st.integers(1, 8),
        log_chars=st.integers(1, 20) | st.integers(500, 1500),
        max_answer=st.sampled_from([3, 12, 600, 10**6]),
    ),
    stop=st.sampled_from([None, "stop", "bb"]),
)
def test_both_ways_say_the_same(items: list[Any], limits: Limits, stop: str | None) -> None:
    short, long = asyncio.run(both_ways(items, limits=limits, stop=stop))
    assert short == long


@pytest.mark.parametrize("bounds", [Limits(log_events=5), Limits(log_chars=10)])
async def test_a_program_of_plain_text_waits_for_its_reader_at_the_same_place(bounds: Limits) -> None:
    said = 0

    async def program() -> AsyncIterator[str]:
        nonlocal said
        for _ in range(20):
            said += 1
            yield "a"

    run = start(program, bounds)
    reader = Follower(run)
    for turn in range(1, 4):
        for _ in range(20):
            await asyncio.sleep(0)
        assert said == 5 * turn
        assert len(await take(reader)) == 5
    reader.close()
    await asyncio.wait([run.task])


async def test_a_cancelled_program_that_goes_on_says_nothing_more() -> None:
    gone_on: list[int] = []

    async def program() -> AsyncIterator[str]:
        yield "a"
        yield "b"
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            gone_on.append(1)
        yield "c"
        gone_on.append(2)

    run = start(program, on_disconnect="finish")
    log = asyncio.create_task(read_all(run))
    await asyncio.sleep(0.01)
    run.cancel()
    said = await log
    assert said[:-1] == [TextDelta("a"), TextDelta("b")]
    assert gone_on == [1]
