import asyncio
from collections.abc import AsyncIterator

import pytest

from mserve.events import Event, Failure, Finish, TextDelta
from mserve.options import Limits, OnDisconnect, Times
from runs.running import LIMIT, Follower, log_of, read_all, start, take


async def test_a_program_that_does_not_begin_is_ended_and_its_client_told() -> None:
    closed = asyncio.Event()

    async def program() -> AsyncIterator[str]:
        try:
            await asyncio.sleep(60)
            yield "never"
        finally:
            closed.set()

    (failure,) = await log_of(program, times=Times(first_event=0.05))
    assert failure == Failure(504, "The program did not begin to answer for 0.05 s.", "timeout")
    await asyncio.wait_for(closed.wait(), LIMIT)


async def test_a_program_that_falls_silent_is_ended() -> None:
    async def program() -> AsyncIterator[str]:
        yield "a"
        await asyncio.sleep(60)

    log = await log_of(program, times=Times(between_events=0.05))
    assert log == [TextDelta("a"), Failure(504, "The program said nothing more for 0.05 s.", "timeout")]


@pytest.mark.parametrize("words", [0, 1])
async def test_who_looks_for_more_in_vain_gives_a_silent_program_no_time(words: int) -> None:
    async def program() -> AsyncIterator[str]:
        for _ in range(words):
            yield "a"
        await asyncio.sleep(60)

    run = start(program, times=Times(first_event=0.2, between_events=0.2))
    reader = Follower(run)
    async with asyncio.timeout(LIMIT):
        while not reader.ended:
            reader.take()
            await asyncio.sleep(0.02)
    assert run.failure is not None
    assert run.failure.code == "timeout"


async def test_a_program_that_never_ends_is_ended() -> None:
    async def program() -> AsyncIterator[str]:
        while True:
            yield "a"
            await asyncio.sleep(0.005)

    *said, failure = await log_of(program, times=Times(run=0.1))
    assert failure == Failure(504, "The program took more than 0.1 s.", "timeout")
    assert said
    assert set(said) == {TextDelta("a")}


async def test_a_program_that_speaks_in_time_is_left_alone() -> None:
    async def program() -> AsyncIterator[str]:
        for _ in range(6):
            await asyncio.sleep(0.05)
            yield "a"

    assert (await log_of(program, times=Times(first_event=0.5, between_events=0.2)))[-1] == Finish("stop")


@pytest.mark.parametrize(("first", "then", "before", "after"), [(5, 0.2, 0.5, 0), (0.2, 5, 0, 0.5)], ids=repr)
async def test_the_first_word_has_a_patience_of_its_own(first: float, then: float, before: float, after: float) -> None:
    async def program() -> AsyncIterator[str]:
        await asyncio.sleep(before)
        yield "a"
        await asyncio.sleep(after)

    log = await log_of(program, times=Times(first_event=first, between_events=then))
    assert log == [TextDelta("a"), Finish("stop")]


async def test_the_patience_after_the_first_word_is_counted_from_there() -> None:
    async def program() -> AsyncIterator[str]:
        await asyncio.sleep(0.3)
        yield "a"
        await asyncio.sleep(60)

    started = asyncio.get_running_loop().time()
    log = await asyncio.wait_for(log_of(program, times=Times(first_event=30, between_events=0.4)), LIMIT)
    assert log == [TextDelta("a"), Failure(504, "The program said nothing more for 0.4 s.", "timeout")]
    assert asyncio.get_running_loop().time() - started > 0.69


async def test_a_program_whose_words_are_held_back_is_not_silent() -> None:
    async def program() -> AsyncIterator[str]:
        for _ in range(10):
            yield "a"
            await asyncio.sleep(0.1)

    log = await log_of(program, times=Times(between_events=0.6), stop="aaaaaaaaaaaa!")
    assert log == [TextDelta("a" * 10), Finish("stop")]


async def test_a_client_hears_of_it_at_once_though_the_program_does_not_close() -> None:
    async def program() -> AsyncIterator[str]:
        while True:
            try:
                await asyncio.sleep(0.3)
                yield "a"
            except asyncio.CancelledError:
                pass

    run = start(program, times=Times(first_event=0.05))
    async with asyncio.timeout(0.25):
        log = await read_all(run)
    assert isinstance(log[0], Failure)
    await asyncio.wait([run.task], timeout=LIMIT)
    assert run.task.done()


async def test_a_program_whose_reader_lags_is_not_silent_by_itself() -> None:
    async def program() -> AsyncIterator[Event]:
        for _ in range(4):
            yield TextDelta("a")

    run = start(program, Limits(log_events=2), times=Times(between_events=0.1))
    reader = Follower(run)
    await asyncio.sleep(0.4)
    events = []
    while not reader.ended:
        events += await take(reader)
    assert events[-1] == Finish("stop")


@pytest.mark.parametrize("on_disconnect", ["cancel", "finish"])
async def test_what_becomes_of_a_run_that_nobody_reads_is_a_policy(on_disconnect: OnDisconnect) -> None:
    said = []

    async def program() -> AsyncIterator[str]:
        for number in range(600):
            said.append(number)
            yield "a"
            await asyncio.sleep(0)

    run = start(program, on_disconnect=on_disconnect)
    reader = Follower(run)
    await take(reader)
    reader.close()
    await asyncio.wait([run.task], timeout=LIMIT)
    assert (len(said) == 600) == (on_disconnect == "finish")
    assert Follower(run).take()[-1:] != [TextDelta("a")]  # nothing was kept
