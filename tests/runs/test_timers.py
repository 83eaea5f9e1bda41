"""Timers that are many and mostly cancelled."""

import asyncio
import weakref
from contextvars import ContextVar

from mserve.runs.timers import Timer, Timers

LIMIT = 5.0


async def until(heard: list[str], count: int) -> None:
    async with asyncio.timeout(LIMIT):
        while len(heard) < count:
            await asyncio.sleep(0.001)


async def test_each_is_called_in_its_time_and_its_context_and_cancelled_ones_are_not() -> None:
    timers, heard = Timers(), list[str]()
    said: ContextVar[str] = ContextVar("said")
    kept: dict[str, Timer] = {}
    for name, seconds in (("late", 0.06), ("never", 0.03), ("soon", 0.01), ("sooner", 0.005)):
        said.set(name)
        kept[name] = timers.at(timers.time() + seconds, lambda: heard.append(said.get()))
    kept["never"].cancel()
    kept["never"].cancel()
    await until(heard, 3)
    assert heard == ["sooner", "soon", "late"]
    kept["late"].cancel()  # it was called
    timers.at(timers.time() + 0.01, lambda: heard.append("again"))
    await until(heard, 4)


async def test_one_that_is_cancelled_in_the_round_in_which_it_comes_is_not_called() -> None:
    timers, heard = Timers(), list[str]()
    due = timers.time() + 0.01
    others: list[Timer] = []

    def cancel() -> None:
        others[0].cancel()

    timers.at(due, cancel)
    others.append(timers.at(due, lambda: heard.append("second")))
    timers.at(due, lambda: heard.append("third"))
    await until(heard, 1)
    await asyncio.sleep(0.02)
    assert heard == ["third"]


async def test_those_that_are_cancelled_hold_nobody_and_are_thrown_away() -> None:
    class Held:
        def call(self) -> None:
            pass

    timers, heard = Timers(), list[str]()
    context: ContextVar[Held] = ContextVar("held")
    held = Held()
    context.set(held)
    alive = weakref.ref(held)
    for _ in range(1000):
        timers.at(timers.time() + 600, held.call).cancel()
    context.set(Held())
    del held
    assert alive() is None
    assert len(timers._heap) < 130
    timers.at(timers.time() + 0.01, lambda: heard.append("still"))
    await until(heard, 1)
