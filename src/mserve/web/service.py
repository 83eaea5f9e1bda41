"""What all requests of one app share: its programs, their runs and lifespans, and its options."""

import time
from collections.abc import Sequence

from mserve.errors import ClientError
from mserve.options import Options
from mserve.program import Program
from mserve.runs.active import ActiveRuns

from .lifespan import Lifespans


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

    async def state(self, program: Program) -> object:
        """Give what a program's lifespan yielded, opening it where the host has not; `StartupError` if that fails."""
        await self.lifespans.open()
        return self.lifespans.state(program)

    async def close(self) -> None:
        """End all runs, then close what they shared; `ShutdownError` where that fails."""
        await self.runs.close()
        await self.lifespans.close()
