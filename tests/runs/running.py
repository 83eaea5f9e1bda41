"""Runs of real programs, and their logs."""

import asyncio
from collections.abc import Callable
from typing import Any

from mserve.events import RunEvent
from mserve.options import Limits, Options, Times
from mserve.programs.user import load
from mserve.request import Request
from mserve.runs.active import ActiveRuns
from mserve.runs.run import Run

REQUEST = Request(messages=[{"role": "user", "content": "hello"}])
LIMIT = 5.0


def start(serve: Callable[..., Any], limits: Limits = Limits(), **fields: Any) -> Run:  # noqa: B008  # frozen
    runs = ActiveRuns(Options(limits=limits, times=Times(shutdown=0.2)))
    request = Request(messages=REQUEST.messages, **fields)
    return runs.start(load(serve)[0], request, headers={}, state=no_state)


async def no_state() -> None:
    pass


async def read_all(run: Run) -> list[RunEvent]:
    reader = run.reader()
    events: list[RunEvent] = []
    async with asyncio.timeout(LIMIT):
        while not reader.ended:
            events += await reader.take()
    return events


async def log_of(serve: Callable[..., Any], **fields: Any) -> list[RunEvent]:
    return await read_all(start(serve, **fields))
