"""What all requests of one app share: its programs, their runs and lifespans, and its options."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from functools import partial

from msgspec import Struct

from mserve.errors import ClientError, LoadError
from mserve.judging.judge import Bench, Judge
from mserve.options import Options
from mserve.program import Program
from mserve.protocols.base import Asked, Wire
from mserve.runs.active import ActiveRuns
from mserve.runs.choices import Choices
from mserve.runs.run import Run

from .gathering import Gathering
from .lifespan import Lifespans
from .metrics import Metrics
from .record import current
from .shape import check_shape
from .spread import Spread
from .structure import check_structure
from .wishes import Wishes

_LONGEST_NAME = 100
"""Characters of a client's word that an error repeats."""


class Admitted(Struct, frozen=True):
    """A request that will be answered, and by which program."""

    asked: Asked
    program: Program
    judge: Judge | None


class Service:
    """The programs of one app, at work."""

    def __init__(self, programs: Sequence[Program], options: Options) -> None:
        self.options = options
        self.programs = {program.name: program for program in programs}
        self.names = self.programs | _aliases(self.programs, options.aliases)
        self._only = programs[0] if len(programs) == 1 else None
        self.metrics: Metrics | None = None
        if options.metrics:
            self.metrics = Metrics(self.programs, lambda: self.runs.active, lambda: self.runs.queued)
        self.runs = ActiveRuns(options) if self.metrics is None else ActiveRuns(options, self.metrics.ran)
        self.lifespans = Lifespans(programs)
        self.created = int(time.time())
        self._gathering: Gathering | None = None
        self._bench = Bench(options.times.judging)

    def choose(self, model: str | None) -> Program:
        """Give the program that a client means: a single one answers to every name, unless `strict_model`.

        `ClientError` where there is none of that name.
        """
        if model in self.names:
            return self.names[model]
        if self._only is not None and (model is None or not self.options.strict_model):
            return self._only
        served = ", ".join(self.names)
        if model is None:
            raise ClientError(f"model: this field is required, one of: {served}.", param="model")
        named = model if len(model) <= _LONGEST_NAME else f"{model[:_LONGEST_NAME]}…"
        raise ClientError(f"The model {named!r} does not exist; there are: {served}.", 404, "model_not_found", "model")

    def admit(self, wire: Wire, body: bytes) -> Admitted:
        """Read a request, and choose its program and its judge; `ClientError` for one that is not served."""
        limits = self.options.limits
        check_structure(body, limits)
        asked = wire.decode(body, limits)
        request = asked.request
        if (record := current.get(None)) is not None:
            record.request = request
        program = self.choose(request.model)
        check_shape(request, program.declares)
        judge = self._bench.judge_of(request.response_format, judged=program.traits.check_output)
        return Admitted(asked, program, judge)

    def start(self, admitted: Admitted, wishes: Wishes, headers: Mapping[str, str], caller: str | None) -> Choices:
        """Start a program on a request, and read what it says; see `run`."""
        return Choices(self.run(admitted, wishes, headers, caller))

    def run(self, admitted: Admitted, wishes: Wishes, headers: Mapping[str, str], caller: str | None) -> list[Run]:
        """Start a program on a request, once for each choice; the runs open what it shares, where the host has not.

        `ClientError` where too many runs wait for their turn already.
        """
        program = admitted.program
        return self.runs.start(
            program,
            admitted.asked.runs,
            headers=headers,
            state=None if program.lifespan is None else partial(self._state, program),
            caller=caller,
            on_disconnect=wishes.on_disconnect,
            judge=admitted.judge,
        )

    def gaps_of(self, program: Program) -> Spread | None:
        """Give what counts the times between the writes of a program's streams, where that is wanted."""
        return None if self.metrics is None else self.metrics.gaps(program.name)

    def gathering(self) -> Gathering:
        """Give what tells streams when to send: each loop has its own."""
        if self._gathering is None or self._gathering.loop is not asyncio.get_running_loop():
            self._gathering = Gathering(self.options.times.gather)
        return self._gathering

    async def _state(self, program: Program) -> object:
        await self.lifespans.open()
        return self.lifespans.state(program)

    async def close(self) -> None:
        """End all runs, then close what they shared; `ShutdownError` where that fails."""
        await self.runs.close()
        await self.lifespans.close()


def _aliases(programs: Mapping[str, Program], aliases: Mapping[str, str]) -> dict[str, Program]:
    """Give the programs by their further names; `LoadError` for a name of nothing, or of two."""
    for alias, name in aliases.items():
        if name not in programs:
            raise LoadError(f"the alias {alias!r} is for {name!r}, and there is no such program: {', '.join(programs)}")
        if alias in programs:
            raise LoadError(f"the alias {alias!r} is the name of a program")
    return {alias: programs[name] for alias, name in aliases.items()}
