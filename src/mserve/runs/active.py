"""The runs of one app: starts them, and ends them all when the app ends."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from mserve.options import Limits, OnDisconnect, Options
from mserve.program import Program
from mserve.request import Request

from .admission import Admission, Gate
from .run import Judge, Run, State
from .timers import Timers

OnEnd = Callable[[str, Run], None]
"""Told each run that has ended, after its program's name."""

_CLOSING = 1.0
"""Seconds that cancelled programs get to close."""


def _nobody(_program: str, _run: Run) -> None:
    pass


class ActiveRuns:
    """Every run that is not closed yet. A run that nobody holds would be collected while it works."""

    def __init__(self, options: Options, on_end: OnEnd = _nobody) -> None:
        self._options = options
        self._on_end = on_end
        self._admission = Admission()
        self._gates: dict[str, list[Gate]] = {}  # by program, as the admission knows them
        self._runs: set[Run] = set()
        self._timers: Timers | None = None

    def start(
        self,
        program: Program,
        requests: Sequence[Request],
        *,
        headers: Mapping[str, str],
        state: State | None,
        caller: str | None = None,
        on_disconnect: OnDisconnect = "cancel",
        judge: Judge | None = None,
    ) -> list[Run]:
        """Start a program on some requests, all or none; `ClientError` where too many wait already."""
        passed = self._gates.get(program.name)
        if passed is None:
            passed = self._gates[program.name] = gates(program, self._options.limits)
        timers = self._timers
        if timers is None or timers.loop is not asyncio.get_running_loop():
            timers = self._timers = Timers()
        runs = []
        on_end = partial(self._ended, program.name)
        for request, turn in zip(requests, self._admission.reserve(passed, len(requests)), strict=True):
            run = Run(
                program,
                request,
                headers=headers,
                state=state,
                options=self._options,
                turn=turn,
                timers=timers,
                on_end=on_end,
                caller=caller,
                on_disconnect=on_disconnect,
                judge=judge,
            )
            runs.append(run)
        self._runs.update(runs)
        return runs

    def _ended(self, program: str, run: Run) -> None:
        self._runs.discard(run)
        self._on_end(program, run)

    @property
    def active(self) -> int:
        """Count the runs that are not closed yet, those that wait for their turn among them."""
        return len(self._runs)

    @property
    def queued(self) -> int:
        """Count the runs that wait for their turn."""
        return self._admission.queued

    @property
    def wanted(self) -> int:
        """Count the runs that are not closed yet, and not cancelled."""
        return sum(not run.is_cancelled for run in self._runs)

    async def close(self) -> None:
        """Cancel all runs, and wait until their programs are closed; one that does not close is left behind."""
        for run in self._runs:
            run.cancel()
        await _wait([run.task for run in self._runs], _CLOSING)
        late, self._runs = self._runs, set()
        for run in late:
            run.give_up()


async def _wait(tasks: Collection[asyncio.Task[None]], seconds: float) -> None:
    if tasks:
        await asyncio.wait(tasks, timeout=seconds)


def gates(program: Program, limits: Limits) -> list[Gate]:
    """Give what a run of a program has to pass."""
    traits = program.traits
    passed = [Gate("The server", limits.runs, limits.queue)]
    if traits.max_runs is not None or traits.max_queue is not None:
        queue = limits.queue if traits.max_queue is None else traits.max_queue
        passed.append(Gate(f"The program {program.name}", traits.max_runs or limits.runs, queue))
    if program.sync:
        passed.append(Gate("The server's pool of threads", limits.threads, limits.queue))
    return passed
