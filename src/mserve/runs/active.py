"""The runs of one app: starts them, and ends them all when the app ends."""

import asyncio
import logging
from collections.abc import Collection, Mapping

from mserve.options import Options
from mserve.program import Program
from mserve.request import Request

from .run import Judge, Run, State

log = logging.getLogger("mserve")

_CLOSING = 1.0
"""Seconds that cancelled programs get to close."""


class ActiveRuns:
    """Every run that is not closed yet. A run that nobody holds would be collected while it works."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._tasks: dict[asyncio.Task[None], Run] = {}

    def start(
        self,
        program: Program,
        request: Request,
        *,
        headers: Mapping[str, str],
        state: State,
        judge: Judge | None = None,
    ) -> Run:
        """Start a program on a request."""
        run = Run(program, request, headers=headers, state=state, options=self._options, judge=judge)
        self._tasks[run.task] = run
        run.task.add_done_callback(lambda task: self._tasks.pop(task, None))
        return run

    @property
    def wanted(self) -> int:
        """Count the runs whose answer somebody waits for."""
        return sum(not run.is_cancelled for run in self._tasks.values())

    async def drain(self) -> None:
        """Let the runs that somebody waits for end by themselves, until their time is up."""
        await _wait([task for task, run in self._tasks.items() if not run.is_cancelled], self._options.times.shutdown)

    async def close(self) -> None:
        """Cancel all runs, and wait until their programs are closed; one that does not close is left behind."""
        for run in self._tasks.values():
            run.cancel()
        await _wait([*self._tasks], _CLOSING)
        late, self._tasks = self._tasks, {}
        for run in late.values():
            log.warning("a program does not end though its run was cancelled: it is left behind")
            run.give_up()


async def _wait(tasks: Collection[asyncio.Task[None]], seconds: float) -> None:
    if tasks:
        await asyncio.wait(tasks, timeout=seconds)
