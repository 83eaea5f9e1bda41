"""Says that this process lives, ends the runs of those that do not, and lets go of what is too old. Serves nobody."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable

from mserve.events import Failure
from mserve.options import Options
from mserve.store.base import Append, Batch, End, Store, StoredRun, StoreError, Worker
from mserve.store.codec import encode

log = logging.getLogger("mserve")

_BEAT = 0.5
"""Seconds between two signs of life; a cancellation by another process waits for one."""
_SILENT = 30.0
"""Seconds after which a process on another machine is taken for dead. A blocked one may be silent for a while."""
_GAP = 5.0
"""Seconds between two signs of life of its own after which it cannot tell who else is silent."""
_LOOK = 2.0
"""Seconds between two looks for the runs of the dead."""
_PRUNE = 60
"""Of so many looks, one is for what is too old or too much."""

DIED = Failure(500, "The server's process ended before the answer was whole.", "worker_died")


class Vigil:
    """Two tasks, as long as a store is open: however long the dead and the old ones take, this process lives."""

    def __init__(self, store: Store, worker: Worker, options: Options, cancel: Callable[[str], object]) -> None:
        self._store = store
        self._worker = worker
        self._options = options
        self._cancel = cancel
        self._beaten = self._beating_since = -math.inf  # by the clock on the wall: a machine that sleeps has one
        self._looks = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        """Beat once, and go on; `StoreError` where that is not possible."""
        await self._beat()
        for task in (
            _keep(self._beat, _BEAT, "the store does not answer"),
            _keep(self._look, _LOOK, "nobody looks after the runs that are kept"),
        ):
            self._tasks.append(asyncio.create_task(task, name="mserve vigil over kept runs"))

    async def end(self) -> None:
        """Stop."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    async def _beat(self) -> None:
        for key in await self._store.beat(self._worker):
            self._cancel(key)
        now = time.time()
        if not 0 <= now - self._beaten < _GAP:
            self._beating_since = now
        self._beaten = now

    async def _look(self) -> None:
        for run in await self._store.orphans(self._worker, self._patience):
            await self._bury(run)
        if self._looks % _PRUNE == 0:
            before = int(time.time() - self._options.store_ttl)
            await self._store.prune(before=before, most_bytes=self._options.store_size)
        self._looks += 1

    @property
    def _patience(self) -> float:
        """Give how long others may be silent.

        Whoever could not beat itself, since the machine slept or the store was away, lets them come back first.
        """
        is_beating = time.time() - self._beaten < _GAP  # else the store may have come back just now
        return _SILENT if is_beating and self._beaten - self._beating_since >= _SILENT else math.inf

    async def _bury(self, run: StoredRun) -> None:
        """End a run whose process has died. All that it said stays."""
        news = (await self._store.news([run.key])).get(run.key)
        if news is not None and news.status == "active":  # nobody else has done it
            last = Append(run.key, Batch(news.count, encode([(0, [DIED])])))
            await self._store.write([last, End(run.key, "failed", int(time.time()))])
            log.warning("run %s of program %s has ended with its process", run.key, run.program)


async def _keep(do: Callable[[], Awaitable[None]], pause: float, trouble: str) -> None:
    """Do something again and again, whatever comes of it; trouble is told when it begins."""
    is_failing = False
    while True:
        try:
            await do()
            is_failing = False
        except Exception as error:  # a process that does not beat is taken for dead
            if not is_failing:
                fault = None if isinstance(error, StoreError) else error
                log.warning("%s: %s", trouble, error, exc_info=fault)
            is_failing = True
        await asyncio.sleep(pause)
