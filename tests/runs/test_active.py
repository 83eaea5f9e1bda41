import asyncio
from collections.abc import AsyncIterator

import pytest

from mserve.events import Failure
from mserve.options import Options, Times
from mserve.programs.user import load
from mserve.runs.active import ActiveRuns
from runs.running import LIMIT, REQUEST, Follower, no_state, take


async def test_closing_the_active_runs_closes_every_program() -> None:
    closed: list[int] = []

    async def program() -> AsyncIterator[str]:
        try:
            yield "a"
            await asyncio.Event().wait()
        finally:
            closed.append(1)

    runs = ActiveRuns(Options())
    readers = [Follower(runs.start(load(program)[0], [REQUEST], headers={}, state=no_state)[0]) for _ in range(3)]
    for reader in readers:
        await take(reader)
    await runs.close()
    assert len(closed) == 3
    assert all([isinstance((await take(reader))[-1], Failure) for reader in readers])  # they await


async def test_closing_the_active_runs_gives_up_on_a_program_that_does_not_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    released = asyncio.Event()

    async def deaf() -> AsyncIterator[str]:
        yield "a"
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue

    runs = ActiveRuns(Options(times=Times(shutdown=0.05)))
    run = runs.start(load(deaf)[0], [REQUEST], headers={}, state=no_state)[0]
    await take(Follower(run))
    async with asyncio.timeout(LIMIT):
        await runs.close()
    assert not run.task.done()
    released.set()
    await asyncio.wait([run.task])
    assert "program deaf does not end" in caplog.text


async def test_the_runs_that_somebody_waits_for_are_counted() -> None:
    async def program() -> AsyncIterator[str]:
        yield "a"
        await asyncio.Event().wait()

    runs = ActiveRuns(Options())
    started = [runs.start(load(program)[0], [REQUEST], headers={}, state=no_state)[0] for _ in range(3)]
    readers = [Follower(run) for run in started]
    assert runs.wanted == 3
    readers[0].close()
    assert runs.wanted == 2
    await asyncio.wait([started[0].task])
    assert runs.wanted == 2
    await runs.close()
    assert runs.wanted == 0


async def test_closing_no_runs_is_nothing() -> None:
    await ActiveRuns(Options()).close()
