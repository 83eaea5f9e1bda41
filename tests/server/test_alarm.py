import asyncio
import math
import time

from mserve.server.alarm import Alarm

SOON = 0.1


def alarm(*, is_deaf: bool = False) -> tuple[Alarm, list[float], list[bool]]:
    """An alarm, when it rang, and whether the server does not listen."""
    rang: list[float] = []
    deaf = [is_deaf]
    loop = asyncio.get_running_loop()
    return Alarm(loop, lambda: rang.append(loop.time()), lambda: deaf[0]), rang, deaf


async def test_it_rings_once_after_a_silence() -> None:
    waiting, rang, _ = alarm()
    waiting.set(SOON)
    await asyncio.sleep(SOON / 2)
    assert rang == []
    await asyncio.sleep(SOON * 2)
    assert len(rang) == 1


async def test_it_does_not_ring_while_something_is_heard() -> None:
    waiting, rang, _ = alarm()
    waiting.set(SOON)
    for _ in range(10):
        await asyncio.sleep(SOON / 4)
        waiting.hear()
    assert rang == []
    heard = asyncio.get_running_loop().time()
    await asyncio.sleep(SOON * 2)
    assert len(rang) == 1
    assert rang[0] - heard > SOON * 0.9


async def test_it_rings_in_the_end_whatever_is_heard() -> None:
    waiting, rang, _ = alarm()
    waiting.set(SOON, in_all=2.5 * SOON)
    began = asyncio.get_running_loop().time()
    while not rang:
        await asyncio.sleep(SOON / 4)
        waiting.hear()
    assert 2.4 * SOON < rang[0] - began < 5 * SOON


async def test_what_is_stopped_or_ended_never_rings() -> None:
    stopped, rang, _ = alarm()
    stopped.set(SOON)
    stopped.set(math.inf)
    ended, rang_too, _ = alarm()
    ended.set(SOON)
    ended.end()
    await asyncio.sleep(2 * SOON)
    assert (rang, rang_too) == ([], [])


async def test_it_does_not_blame_a_client_to_whom_nobody_listens() -> None:
    waiting, rang, deaf = alarm(is_deaf=True)
    waiting.set(SOON)
    await asyncio.sleep(5 * SOON)
    deaf[0] = False
    assert rang == []
    async with asyncio.timeout(5):
        while not rang:
            await asyncio.sleep(SOON)


async def test_it_does_not_blame_a_client_for_a_loop_that_was_held() -> None:
    waiting, rang, _ = alarm()
    waiting.set(SOON)
    time.sleep(SOON + 0.6)
    await asyncio.sleep(SOON)
    assert rang == []
    waiting.hear()
    await asyncio.sleep(0.8)
    assert rang == []
    async with asyncio.timeout(5):
        while not rang:
            await asyncio.sleep(SOON)
