"""Follows the runs of one answer, and hands what they say to the store's writer. Holds no run up but by its own lag."""

import asyncio
from collections.abc import Callable, Sequence

from mserve.runs.choices import Batch, Choices
from mserve.runs.run import CANCELLED, Run
from mserve.store.base import Append, End, Status, Write
from mserve.store.base import Batch as Row
from mserve.store.codec import encode
from mserve.store.writer import Writer

from .adding import Adding

_PATIENCE = 1.0
"""Seconds that the end of an answer waits for the store at most."""


class Recorder:
    """Keeps one answer."""

    def __init__(
        self,
        key: str,
        runs: Sequence[Run],
        writer: Writer,
        on_end: "Callable[[Recorder], None]",
        adding: Adding | None,
    ) -> None:
        self.key = key
        self.runs = runs
        self._adding = adding
        self._choices = Choices(runs, keeps=True)
        self._writer = writer
        self._on_end = on_end
        self._unwritten: list[Batch] = []
        self._count = 0  # events that were written
        self._has_ended = False
        self._choices.keep(self._hear, self._take)
        self._hear()

    def cancel(self) -> None:
        """End the runs: nobody wants their answer."""
        for run in self.runs:
            run.cancel()

    def give_up(self) -> None:
        """Keep no more: the store lets go of this answer, and nobody else finds its end."""
        self._end()
        self._unwritten.clear()

    async def settle(self) -> None:
        """Return once all is written, or the store fails: nobody waits for one that may not come back."""
        if not self._writer.failing:
            flushing = asyncio.ensure_future(self._writer.finish(self._collect))
            await asyncio.wait([flushing], timeout=_PATIENCE)
            flushing.cancel()

    def _hear(self) -> None:
        self._writer.soon(self._collect)

    def _take(self) -> None:
        self._unwritten += self._choices.ready()

    def _collect(self) -> Sequence[Write]:
        """Give what was said since the last time, and the end after it."""
        if self._has_ended:
            return ()
        self._take()
        writes: list[Write] = []
        if self._unwritten:
            if self._adding is not None:
                self._adding.hear(self._unwritten)
            writes.append(Append(self.key, Row(self._count, encode(self._unwritten))))
            self._count += sum(len(events) for _, events in self._unwritten)
            self._unwritten = []
        if self._choices.ended:
            writes.append(self._last(self._status))
            self._end()
        return writes

    def _end(self) -> None:
        self._has_ended = True
        self._choices.close()
        self._on_end(self)

    def _last(self, status: Status) -> End:
        ended_at = self._choices.ended_at
        if self._adding is None or status != "completed":
            return End(self.key, status, ended_at)
        return End(self.key, status, ended_at, self._adding.conversation, self._adding.items())

    @property
    def _status(self) -> Status:
        failure = self._choices.failure
        if failure is None:
            return "completed"
        return "cancelled" if failure.code == CANCELLED.code else "failed"
