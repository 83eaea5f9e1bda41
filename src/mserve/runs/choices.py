"""The runs that answer one request, each of them one choice of its reply, read as one. Knows no HTTP and no wire."""

import asyncio
import math
from collections.abc import Callable, Sequence

from mserve.events import Failure, Said, Usage

from .bell import Bell
from .run import Run

Batch = tuple[int, list[Said]]
"""The number of a choice, and the next events of its run."""


class Choices:
    """Follows runs together. The first that fails fails the request: nothing is read behind its failure."""

    __slots__ = ("_bell", "_readers", "failure", "runs")

    must_settle = False
    """Whether the end may be told only after `settle`."""

    def __init__(self, runs: Sequence[Run], *, keeps: bool = False) -> None:
        """Follow some runs from their first events; see `Run.reader`."""
        self.failure: Failure | None = None
        self.runs = runs
        self._bell = Bell(runs[0].timers)
        self._readers = [run.reader(self._bell.ring, keeps=keeps) for run in runs]

    @property
    def closed(self) -> bool:
        """Tell whether nothing more will come; something may still be unread."""
        return all(reader.closed for reader in self._readers)

    @property
    def ended(self) -> bool:
        """Tell whether all was read, and nothing more will come."""
        if self.failure is None:
            for reader in self._readers:
                if not reader.ended:
                    return False
        return True

    async def take(self, until: float = math.inf) -> list[Batch]:
        """Give all events that were not read yet, by choice, waiting for one where there is none.

        The list is empty once all has ended, from a time of the loop's clock on, and when somebody calls `wake`.
        """
        if not self._bell.has_rung and not self.ended:
            await self._bell.wait(until)
        self._bell.has_rung = False
        return self.ready()

    def ready(self) -> list[Batch]:
        """Give all events that were not read yet, by choice."""
        batches: list[Batch] = []
        if self.failure is not None:
            return batches
        for number, reader in enumerate(self._readers):
            events = reader.take()
            if events:
                batches.append((number, events))
                if type(events[-1]) is Failure:
                    self.failure = events[-1]
                    break
        return batches

    @property
    def ended_at(self) -> int:
        """Give when the last of them was whole, in seconds since 1970; 0 before."""
        return max([reader.ended_at for reader in self._readers])

    def listen(self, ring: Callable[[], None]) -> None:
        """Have `ring` called when there are events: then `wait` waits for the end of a run, and for `wake`."""
        for reader in self._readers:
            reader.ring = ring

    def keep(self, hear: Callable[[], None], hurry: Callable[[], None]) -> None:
        """Have `hear` called when there are events, or when no more come, and `hurry` when a run waits for a taking."""
        for reader in self._readers:
            reader.ring = reader.ring_out = hear
            reader.hurry = hurry

    def wait(self, until: float) -> asyncio.Future[None]:
        """Give what to await: a `wake`, at most until a time of the loop's clock."""
        return self._bell.wait(until)

    @property
    def taken(self) -> int:
        """Count the events that were read; a failure ends a run, and is nothing that its program said."""
        return sum(reader.place[0] for reader in self._readers) - (self.failure is not None)

    def wake(self) -> None:
        """Let a waiting `take` or `wait` return."""
        self._bell.ring()

    async def settle(self) -> None:
        """Return once the end may be told: here, at once."""

    def close(self) -> None:
        """Read no more: what still runs has nobody to answer, and nothing to finish where its request has failed."""
        if self.failure is not None:
            for run in self.runs:
                run.drop()
        readers, self._readers = self._readers, []
        for reader in readers:
            reader.close()
        self._bell.end()


def is_silent(batches: Sequence[Batch]) -> bool:
    """Tell whether nothing was said that a client can see: usage is told at the end, and a failure by its status."""
    for _, events in batches:
        for event in events:
            if type(event) is not Usage and type(event) is not Failure:
                return False
    return True
