"""Says that this process lives, ends the runs of those that do not, and lets go of what is too old. Serves nobody."""

import asyncio
import logging
import time
from collections.abc import Callable

from mserve.events import Failure
from mserve.options import Options
from mserve.store.base import Append, Batch, End, Store, StoredRun, StoreError, Worker
from mserve.store.codec import encode

log = logging.getLogger("mserve")

_BEAT = 0.5
"""Seconds between two signs of life; a cancellation by another process waits for one."""
_SILENT = 30.0
"""Seconds after which a process on another machine is taken for dead. A blocked one may be silent for a while."""
_ORPHANS = 4
_PRUNE = 240
"""Of so many beats, one is for the runs of the dead, and one for those that are too old."""

DIED = Failure(500, "The server's process ended before the answer was whole.", "worker_died")


class Vigil:
    """One task, as long as a store is open."""

    def __init__(self, store: Store, worker: Worker, options: Options, cancel: Callable[[str], object]) -> None:
        self._store = store
        self._worker = worker
        self._options = options
        self._cancel = cancel
        self._beats = 0
        self._is_failing = False
        self._task: asyncio.Task[None]

    async def begin(self) -> None:
        """Beat once, and go on; `StoreError` where that is not possible."""
        await self._beat()
        self._task = asyncio.create_task(self._keep(), name="mserve vigil over kept runs")

    async def end(self) -> None:
        """Stop."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(_BEAT)
            try:
                await self._beat()
                self._is_failing = False
            except Exception as error:  # a process that does not beat is taken for dead
                if not self._is_failing:
                    fault = None if isinstance(error, StoreError) else error
                    log.warning("the store does not answer: %s", error, exc_info=fault)
                self._is_failing = True

    async def _beat(self) -> None:
        for key in await self._store.beat(self._worker):
            self._cancel(key)
        if self._beats % _ORPHANS == 0:
            for run in await self._store.orphans(self._worker, _SILENT):
                await self._bury(run)
        if self._beats % _PRUNE == 0:
            before = int(time.time() - self._options.store_ttl)
            await self._store.prune(before=before, most_bytes=self._options.store_size)
        self._beats += 1

    async def _bury(self, run: StoredRun) -> None:
        """End a run whose process has died. All that it said stays."""
        news = (await self._store.news([run.key])).get(run.key)
        if news is not None and news.status == "active":  # nobody else has done it
            last = Append(run.key, Batch(news.count, encode([(0, [DIED])])))
            await self._store.write([last, End(run.key, "failed", int(time.time()))])
            log.warning("run %s of program %s has ended with its process", run.key, run.program)
