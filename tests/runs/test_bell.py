import asyncio
import math

import uvloop

from mserve.runs.bell import Bell
from mserve.runs.timers import Timers
from runs.running import LIMIT


async def test_a_bell_is_waited_for_until_somebody_rings_it_or_its_time_is_up() -> None:
    bell, clock = Bell(Timers()), asyncio.get_running_loop().time
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


def test_a_time_that_is_nearly_up_is_waited_for_on_a_loop_that_counts_milliseconds() -> None:
    async def wait_often() -> None:
        bell, loop = Bell(Timers()), asyncio.get_running_loop()
        for _ in range(20):
            loop.call_soon(bell.ring)
            await bell.wait(loop.time() + 0.0004)
        bell.end()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(wait_often())
