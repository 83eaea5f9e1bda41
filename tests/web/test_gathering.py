"""When streams send: at once after a pause, else together, and never later than they may."""

import asyncio
import time
from collections.abc import Callable

import pytest
import uvloop

from mserve.web.gathering import Gathering

LIMIT = 5.0


def run_on_uvloop(main: Callable[[], object]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())  # type: ignore[arg-type]  # a coroutine


async def test_who_has_not_written_for_long_is_flushed_in_the_same_round_all_of_them_together() -> None:
    gathering, flushed = Gathering(0.5), list[int]()
    for number in range(3):
        gathering.add(lambda number=number: flushed.append(number), gathering.loop.time() - 1)  # type: ignore[misc]
    assert flushed == []
    await asyncio.sleep(0)
    assert flushed == [0, 1, 2]


async def test_who_wrote_a_moment_ago_waits_and_all_who_do_are_flushed_together() -> None:
    gathering, flushed = Gathering(0.1), list[float]()
    began = time.perf_counter()
    for _ in range(3):
        gathering.add(lambda: flushed.append(time.perf_counter() - began), gathering.loop.time())
        await asyncio.sleep(0.02)
    async with asyncio.timeout(LIMIT):
        while len(flushed) < 3:
            await asyncio.sleep(0.001)
    assert flushed[0] > 0.05
    assert flushed[2] - flushed[0] < 0.02


async def test_writes_that_take_long_are_no_pause_of_those_who_wrote_first() -> None:
    gathering, flushed = Gathering(0.05), list[str]()
    wrote = gathering.loop.time()
    gathering.add(lambda: flushed.append("a"), wrote - 1)
    gathering.add(lambda: time.sleep(0.1), wrote - 1)
    await asyncio.sleep(0)
    gathering.add(lambda: flushed.append("again"), wrote + 0.001)  # in the round that has just ended
    await asyncio.sleep(0)
    assert flushed == ["a"]
    await asyncio.sleep(0.1)
    assert flushed == ["a", "again"]


@pytest.mark.parametrize("busy", [True, False])
def test_a_busy_loop_gathers_for_all_of_its_time_and_an_idle_one_sleeps_meanwhile(busy: bool) -> None:
    waits, worked = list[float](), list[float]()

    async def main() -> None:
        gathering = Gathering(0.001)
        for _ in range(50):
            flushed = asyncio.Event()
            now = gathering.loop.time()
            while gathering.loop.time() == now:  # the loop counts milliseconds
                pass
            time.sleep(0.0007)  # most of one is over
            began, had_worked = time.perf_counter(), time.thread_time()
            gathering.add(flushed.set, gathering.loop.time())
            while not flushed.is_set():
                if busy:
                    time.sleep(0.0001)
                    await asyncio.sleep(0)
                else:
                    await flushed.wait()
            waits.append(time.perf_counter() - began)
            worked.append(time.thread_time() - had_worked)

    run_on_uvloop(main)
    assert sorted(waits)[25] > 0.0009
    assert busy or sorted(worked)[25] < 0.0005
