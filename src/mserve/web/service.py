"""What all requests of one app share: its programs, their runs and lifespans, and its options."""

import time
from collections.abc import Mapping, Sequence
from functools import partial

from mserve.errors import ClientError
from mserve.options import Options
from mserve.program import Program
from mserve.protocols.base import Wire
from mserve.request import Request
from mserve.runs.active import ActiveRuns
from mserve.runs.run import Run

from .lifespan import Lifespans
from .shape import check_shape


class Service:
    """The programs of one app, at work."""

    def __init__(self, programs: Sequence[Program], options: Options) -> None:
        self.options = options
        self.programs = {program.name: program for program in programs}
        self.runs = ActiveRuns(options)
        self.lifespans = Lifespans(programs)
        self.created = int(time.time())

    def choose(self, model: str | None) -> Program:
        """Give the program that a client means: a single one answers to every name, unless `strict_model`.

        `ClientError` where there is none of that name.
        """
        if len(self.programs) == 1 and (model is None or not self.options.strict_model):
            return next(iter(self.programs.values()))
        served = ", ".join(self.programs)
        if model is None:
            raise ClientError(f"model: this field is required, one of: {served}.", param="model")
        if model not in self.programs:
            raise ClientError(
                f"The model {model!r} does not exist; there are: {served}.", 404, "model_not_found", "model"
            )
        return self.programs[model]

    def admit(self, wire: Wire, body: bytes) -> tuple[Request, Program]:
        """Read a request and choose its program; `ClientError` for one that is not served."""
        request = wire.decode(body)
        program = self.choose(request.model)
        check_shape(request, program.declares)
        return request, program

    def start(self, program: Program, request: Request, headers: Mapping[str, str]) -> Run:
        """Start a program on a request; its run opens what the program shares, where the host has not."""
        return self.runs.start(program, request, headers=headers, state=partial(self._state, program))

    async def _state(self, program: Program) -> object:
        await self.lifespans.open()
        return self.lifespans.state(program)

    async def close(self) -> None:
        """End all runs, then close what they shared; `ShutdownError` where that fails."""
        await self.runs.close()
        await self.lifespans.close()
