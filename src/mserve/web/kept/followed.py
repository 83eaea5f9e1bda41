"""Reads a kept run from its first event on, and follows it while it goes on: a `Source`."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

from mserve.errors import ClientError
from mserve.events import Failure
from mserve.protocols import responses
from mserve.runs.bell import Bell
from mserve.runs.choices import Batch
from mserve.runs.run import Run
from mserve.runs.timers import Timers
from mserve.store.base import Store, StoreError
from mserve.store.codec import decode

from .newsroom import Newsroom
from .records import unsaid

log = logging.getLogger("mserve")

T = TypeVar("T")

_ROWS = 64
"""Rows that are read at once, and so many events or more wait for a slow reader at most."""

_PATIENCE = 30.0
"""Seconds for which one that fails is asked again, whoever may be waiting."""
_AGAIN = 0.25

GONE = Failure(404, "The response is not kept any more.", responses.GONE)
REFUSED = Failure(
    503, "The request that this one repeats was refused, or its answer deleted: try again later.", "overloaded"
)
UNAVAILABLE = Failure(503, "What is kept cannot be read or written at present: try again later.", responses.UNREADABLE)


def unavailable() -> ClientError:
    """Give the error of a request that the store is in the way of."""
    return ClientError(UNAVAILABLE.message, UNAVAILABLE.status, UNAVAILABLE.code)


class Followed:
    """One kept run."""

    must_settle = False

    def __init__(self, key: str, store: Store, newsroom: Newsroom, gone: Failure = GONE) -> None:
        """Begin to read; `gone` is the end of a run that is not kept any more."""
        self.failure: Failure | None = None
        self.runs: Sequence[Run] = ()
        self.closed = False
        self.ended_at = 0
        self.taken = 0
        self._key = key
        self._store = store
        self._newsroom = newsroom
        self._gone = gone
        self._bell = Bell(Timers())
        self._ring = self._bell.ring
        self._batches: list[Batch] = []
        self._room = asyncio.Event()
        self._task = asyncio.create_task(self._follow(), name="mserve follower of a kept run")

    @property
    def ended(self) -> bool:
        """Tell whether all was read, and nothing more will come."""
        return (self.closed and not self._batches) or self.failure is not None

    async def take(self, until: float = math.inf) -> list[Batch]:
        """Give all events that were not read yet, waiting for one until a time of the loop's clock."""
        if not self._bell.has_rung and not self.ended:
            await self._bell.wait(until)
        self._bell.has_rung = False
        return self.ready()

    def ready(self) -> list[Batch]:
        """Give all events that were not read yet."""
        batches, self._batches = self._batches, []
        self._room.set()
        for _, events in batches:
            self.taken += len(events)
            if isinstance(events[-1], Failure):
                self.failure = events[-1]
        return batches

    def listen(self, ring: Callable[[], None]) -> None:
        """Have `ring` called when there are events: then `wait` waits for the end alone, and for `wake`."""
        self._ring = ring

    def wait(self, until: float) -> asyncio.Future[None]:
        """Give what to await: the end, or a `wake`, at most until a time of the loop's clock."""
        return self._bell.wait(until)

    def wake(self) -> None:
        """Let a waiting `take` or `wait` return."""
        self._bell.ring()

    def close(self) -> None:
        """Read no more; the run goes on."""
        self._task.cancel()
        self._bell.end()

    async def settle(self) -> None:
        """Return at once: what was read here is kept."""

    async def _follow(self) -> None:
        try:
            await self._read()
        except Exception as error:  # whatever it is, somebody waits for the end
            if not isinstance(error, StoreError):
                log.exception("A kept run was not read to its end")
            self._put([(0, [UNAVAILABLE])])
        self.closed = True
        self._bell.ring()

    async def _read(self) -> None:
        """Read to the end."""
        count, last = 0, None
        while True:
            rows = await _patient(partial(self._store.batches, self._key, count, _ROWS))
            if rows:
                batches = [batch for row in rows for batch in decode(row.data)]
                count += sum(len(events) for _, events in batches)
                last = batches[-1][1][-1]
                self._put(batches)
                await self._room.wait()
                continue
            news = await _patient(partial(self._newsroom.news, self._key, count))
            if news is None:
                self._put([(0, [self._gone])])
                return
            if news.status != "active" and news.count <= count:
                self._put(unsaid(news.status, last))
                self.ended_at = news.ended or 0
                return

    def _put(self, batches: Sequence[Batch]) -> None:
        self._room.clear()
        self._batches += batches
        self._ring()


async def _patient(question: Callable[[], Awaitable[T]]) -> T:
    """Ask something of a store, again and again where it fails: a stream that has begun may well wait."""
    until = math.inf  # an answer may take long, and is no fault
    while True:
        try:
            return await question()
        except StoreError:
            until = min(until, time.monotonic() + _PATIENCE)
            if time.monotonic() > until:
                raise
        await asyncio.sleep(_AGAIN)
