"""The runs of one app: starts them, and ends them all when the app ends."""

import asyncio
from collections.abc import Mapping

from mserve.options import Options
from mserve.program import Program
from mserve.request import Request

from .run import Run, State

_CLOSING = 1.0
"""Seconds that cancelled programs get to close."""


class ActiveRuns:
    """Every run that is not closed yet. A run that nobody holds would be collected while it works."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._tasks: dict[asyncio.Task[None], Run] = {}

    def start(self, program: Program, request: Request, *, headers: Mapping[str, str], state: State) -> Run:
        """Start a program on a request."""
        run = Run(program, request, headers=headers, state=state, limits=self._options.limits)
        self._tasks[run.task] = run
        run.task.add_done_callback(self._tasks.pop)
        return run

    async def drain(self) -> None:
        """Let the runs end by themselves, until their time is up."""
        await self._wait(self._options.times.shutdown)

    async def close(self) -> None:
        """Cancel all runs, and wait until their programs are closed; one that does not close is left behind."""
        for run in list(self._tasks.values()):
            run.cancel()
        await self._wait(_CLOSING)

    async def _wait(self, seconds: float) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
