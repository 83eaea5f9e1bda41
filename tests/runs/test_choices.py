"""Several runs read as one: each choice in its own order, the first failure last, and nobody left behind."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mserve.errors import ClientError
from mserve.events import Event, Failure, Finish, RunEvent, TextDelta, Usage, spelt_out
from mserve.options import Limits, Options, Times
from mserve.programs.user import load
from mserve.request import Request
from mserve.runs.active import ActiveRuns
from mserve.runs.choices import Batch, Choices, is_silent
from mserve.runs.run import Run
from runs.running import LIMIT, no_state

PROMPT = [{"role": "user", "content": "hello"}]


def start(serve: Any, count: int, **limits: int) -> tuple[Choices, list[Run], ActiveRuns]:
    """Start a program several times; its parameter `seed` is the number of the choice."""
    active = ActiveRuns(Options(limits=Limits(**limits), times=Times(shutdown=0.2)))
    (program,) = load(serve)
    requests = [Request(messages=PROMPT, seed=number) for number in range(count)]
    runs = active.start(program, requests, headers={}, state=no_state)
    return Choices(runs), runs, active


async def read(choices: Choices) -> list[Batch]:
    batches: list[Batch] = []
    async with asyncio.timeout(LIMIT):
        while not choices.ended:
            batches += await choices.take()
    return batches


def said_by(batches: list[Batch], number: int) -> list[RunEvent]:
    return [event for choice, events in batches if choice == number for event in spelt_out(events)]


async def test_each_choice_says_all_of_its_own_in_its_order() -> None:
    async def program(seed: int) -> AsyncIterator[Event | str]:
        for word in range(5):
            await asyncio.sleep(0.001 * (seed % 2))
            yield f"{seed}.{word} "
        yield Usage(seed, 1)

    choices, _, active = start(program, 4)
    batches = await read(choices)
    for number in range(4):
        words = [TextDelta(f"{number}.{word} ") for word in range(5)]
        assert said_by(batches, number) == [*words, Usage(number, 1), Finish("stop")]
    assert choices.failure is None
    choices.close()
    await active.close()


async def test_the_runs_are_at_work_at_the_same_time() -> None:
    everybody = asyncio.Barrier(5)

    async def program() -> str:
        await everybody.wait()
        return "a"

    choices, _, _ = start(program, 5)
    assert len(await read(choices)) >= 1
    assert choices.failure is None


async def test_all_that_is_ready_is_taken_at_once_and_by_number() -> None:
    async def program() -> AsyncIterator[str]:
        yield "a"
        yield "b"

    choices, runs, _ = start(program, 3)
    await asyncio.wait([run.task for run in runs])
    batches = await choices.take()
    assert [number for number, _ in batches] == [0, 1, 2]
    assert all(spelt_out(events) == [TextDelta("a"), TextDelta("b"), Finish("stop")] for _, events in batches)
    assert choices.ended
    assert await choices.take() == []


async def test_the_first_failure_fails_the_request_and_nothing_is_read_behind_it() -> None:
    async def program(seed: int) -> AsyncIterator[str]:
        yield "a"
        if seed == 1:
            raise ClientError("no", 418)
        await asyncio.Event().wait()

    choices, runs, _ = start(program, 3)
    batches = await read(choices)
    assert choices.failure == Failure(418, "no")
    assert choices.ended
    assert batches[-1][0] == 1
    assert batches[-1][1][-1] == choices.failure
    assert await choices.take() == []
    choices.close()
    async with asyncio.timeout(0.1):
        await asyncio.wait([run.task for run in runs])
    assert [run.is_cancelled for run in runs] == [True, True, True]


async def test_of_two_failures_the_lower_number_is_told() -> None:
    async def program(seed: int) -> str:
        raise ClientError(f"no {seed}")

    choices, runs, _ = start(program, 3)
    await asyncio.wait([run.task for run in runs])
    assert await choices.take() == [(0, [Failure(400, "no 0")])]
    assert choices.failure == Failure(400, "no 0")


async def test_when_nobody_reads_any_more_all_programs_are_closed() -> None:
    closed: list[int] = []

    async def program(seed: int) -> AsyncIterator[str]:
        try:
            yield "a"
            await asyncio.Event().wait()
        finally:
            closed.append(seed)

    choices, runs, _ = start(program, 4)
    begun: set[int] = set()
    while len(begun) < 4:
        begun |= {number for number, _ in await choices.take()}
    choices.close()
    async with asyncio.timeout(LIMIT):
        await asyncio.wait([run.task for run in runs])
    assert sorted(closed) == [0, 1, 2, 3]
    choices.close()  # once more is nothing


async def test_a_run_that_has_ended_is_not_cancelled_by_its_reader_leaving() -> None:
    async def program() -> str:
        return "a"

    choices, runs, _ = start(program, 2)
    await read(choices)
    await asyncio.wait([run.task for run in runs])
    choices.close()
    assert not any(run.task.cancelled() for run in runs)


async def test_take_returns_at_its_timeout_and_when_woken() -> None:
    async def program() -> str:
        await asyncio.Event().wait()
        return "never"

    choices, _, active = start(program, 2)
    assert await choices.take(0.01) == []
    asyncio.get_running_loop().call_soon(choices.wake)
    async with asyncio.timeout(LIMIT):
        assert await choices.take() == []
    assert not choices.ended
    choices.wake()  # while nobody takes
    await active.close()


async def test_a_choice_that_is_slow_holds_up_no_other() -> None:
    async def program(seed: int) -> AsyncIterator[str]:
        if seed == 0:
            await asyncio.Event().wait()
        for _ in range(50):
            yield "a"

    choices, _, active = start(program, 2, log_events=4)
    seen: list[RunEvent] = []
    async with asyncio.timeout(LIMIT):
        while not seen or not isinstance(seen[-1], Finish):
            for number, events in await choices.take():
                assert number == 1
                seen += spelt_out(events)
    assert len(seen) == 51
    choices.close()
    await active.close()


@pytest.mark.parametrize(
    ("batches", "silent"),
    [
        ([], True),
        ([(0, [Usage(1, 1)]), (1, [Failure(500, "x")])], True),
        ([(0, [Usage(1, 1)]), (1, [Usage(1, 1), TextDelta("a")])], False),
        ([(0, [Finish("stop")])], False),
    ],
)
def test_usage_and_failures_are_silence(batches: list[Batch], silent: bool) -> None:
    assert is_silent(batches) == silent


@given(st.lists(st.lists(st.sampled_from("ab-!"), max_size=6), min_size=1, max_size=4))
def test_whatever_the_programs_do_each_choice_ends_or_one_failure_ends_all(scripts: list[list[str]]) -> None:
    async def program(seed: int) -> AsyncIterator[str]:
        for step in scripts[seed]:
            if step == "!":
                raise RuntimeError
            if step == "-":
                await asyncio.sleep(0)
            else:
                yield step

    async def law() -> None:
        choices, runs, _ = start(program, len(scripts))
        batches = await read(choices)
        choices.close()
        await asyncio.wait([run.task for run in runs])
        failures = [event for _, events in batches for event in events if isinstance(event, Failure)]
        assert bool(failures) == any("!" in script for script in scripts)
        assert failures == ([choices.failure] if choices.failure else [])
        if failures:
            assert batches[-1][1][-1] is choices.failure
        for number, script in enumerate(scripts):
            text = "".join(event.text for event in said_by(batches, number) if isinstance(event, TextDelta))
            whole = "".join(script).partition("!")[0].replace("-", "")
            assert whole.startswith(text)
            assert failures or text == whole
            assert failures or said_by(batches, number)[-1] == Finish("stop")

    asyncio.run(law())
