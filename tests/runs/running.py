"""Runs of real programs, and their logs."""

import asyncio
from collections.abc import Callable
from typing import Any

from mserve.events import RunEvent, spelt_out
from mserve.options import Limits, OnDisconnect, Options, ReasoningFormat, Times
from mserve.programs.user import load
from mserve.request import Request
from mserve.runs.active import ActiveRuns
from mserve.runs.bell import Bell
from mserve.runs.run import Judge, Run

REQUEST = Request(messages=[{"role": "user", "content": "hello"}])
LIMIT = 5.0


def start(
    serve: Callable[..., Any],
    limits: Limits = Limits(),  # noqa: B008  # frozen
    *,
    judge: Judge | None = None,
    reasoning: ReasoningFormat = "fields",
    times: Times = Times(shutdown=0.2),  # noqa: B008  # frozen
    on_disconnect: OnDisconnect = "cancel",
    **fields: Any,
) -> Run:
    runs = ActiveRuns(Options(limits=limits, times=times, reasoning=reasoning))
    request = Request(**{"messages": REQUEST.messages} | fields)
    (run,) = runs.start(load(serve)[0], [request], headers={}, state=no_state, on_disconnect=on_disconnect, judge=judge)
    return run


async def no_state() -> None:
    pass


class Follower:
    """A reader of one run's log, which can be waited for."""

    def __init__(self, run: Run) -> None:
        self._bell = Bell(run.timers)
        self._reader = run.reader(self._bell.ring)
        self.close = self._reader.close

    def take(self) -> list[RunEvent]:
        return spelt_out(self._reader.take())

    @property
    def ended(self) -> bool:
        return self._reader.ended

    async def news(self) -> None:
        await self._bell.wait()


async def take(reader: Follower) -> list[RunEvent]:
    """Give what a reader has not had, once there is something."""
    async with asyncio.timeout(LIMIT):
        while not (events := reader.take()) and not reader.ended:
            await reader.news()
    return events


async def read_all(run: Run) -> list[RunEvent]:
    reader = Follower(run)
    events: list[RunEvent] = []
    while not reader.ended:
        events += await take(reader)
    return events


async def log_of(serve: Callable[..., Any], **fields: Any) -> list[RunEvent]:
    return await read_all(start(serve, **fields))
