"""A program on a replica of its own: opened once, asked by any ingress. Knows no HTTP, and what it serves only here."""

from collections.abc import AsyncGenerator

from mserve.errors import ClientError
from mserve.options import Options
from mserve.programs.user import load
from mserve.runs.active import ActiveRuns
from mserve.runs.choices import Choices
from mserve.runs.failure import failure_of_client
from mserve.web.families import Family
from mserve.web.lifespan import Lifespans

from .metering import Metering
from .plan import Logs, Part
from .wire import BEGUN, read_call, write_events, write_failure


class ProgramReplica:
    """A process that runs one program. Ray makes it, asks after its health, and takes it down."""

    def __init__(self, part: Part, options: Options, logs: Logs) -> None:
        logs.set_up()
        (self._program,) = load(part.source, names=(part.name,))
        self._lifespans = Lifespans([self._program])
        self._active = ActiveRuns(options)
        self._metering = Metering(self._counted)

    async def check_health(self) -> None:
        """Open what all runs share: a replica whose first check fails gets no request. Later, tell that it answers."""
        await self._lifespans.open()

    async def run(self, asked: bytes) -> AsyncGenerator[bytes, None]:
        """Answer one call, in messages of all that is said by then; who reads no more cancels it."""
        call = read_call(asked)
        try:
            runs = self._active.start(
                self._program,
                [call.request],
                headers=call.headers,
                state=self._state if self._program.lifespan is not None else None,
                caller=call.caller,
            )
        except ClientError as error:
            yield write_failure(failure_of_client(error))
            return
        choices = Choices(runs)
        try:
            yield BEGUN
            while not choices.ended:
                if batches := await choices.take():
                    yield write_events(batches)
        finally:
            choices.close()

    def _counted(self) -> tuple[Family, ...]:
        samples = (("mserve_replica_runs", {"program": self._program.name}, float(self._active.active)),)
        return (
            Family("mserve_replica_runs", "Runs that are not closed yet on a program's replica.", "gauge", samples),
        )

    async def _state(self) -> object:
        await self._lifespans.open()
        return self._lifespans.state(self._program)

    async def __del__(self) -> None:
        """Close all, once Ray has let the runs end."""
        self._metering.close()
        await self._active.close()
        await self._lifespans.close()
