"""Runs of real programs, and their logs."""

import asyncio
from collections.abc import Callable
from typing import Any

from mserve.events import RunEvent
from mserve.options import Limits, OnDisconnect, Options, ReasoningFormat, Times
from mserve.programs.user import load
from mserve.request import Request
from mserve.runs.active import ActiveRuns
from mserve.runs.log import Reader
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
    request = Request(messages=REQUEST.messages, **fields)
    (run,) = runs.start(load(serve)[0], [request], headers={}, state=no_state, on_disconnect=on_disconnect, judge=judge)
    return run


async def no_state() -> None:
    pass


async def take(reader: Reader) -> list[RunEvent]:
    """Give what a reader has not had, once there is something."""
    async with asyncio.timeout(LIMIT):
        while not (events := reader.take()) and not reader.ended:
            await reader.bell.wait()
    return events


async def read_all(run: Run) -> list[RunEvent]:
    reader = run.reader()
    events: list[RunEvent] = []
    while not reader.ended:
        events += await take(reader)
    return events


async def log_of(serve: Callable[..., Any], **fields: Any) -> list[RunEvent]:
    return await read_all(start(serve, **fields))
