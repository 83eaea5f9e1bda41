"""Writes what all runs of this process say, many at once and a little later. Keeps what the store cannot take yet."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Iterable, Sequence

from mserve.options import MIB

from .base import Append, Begin, Drop, End, Store, StoredRun, StoreError, Write

log = logging.getLogger("mserve")

Collect = Callable[[], Sequence[Write]]

_ROW = 100
"""Bytes of a write besides its data, roughly."""
_PATIENCE = 1.0
"""Seconds after which a transaction is so slow that what runs say meanwhile is taken from them."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
"""Seconds until what failed is tried again: at first, and at last."""
_BEGINNING = 5.0
"""Seconds that a run waits at most to begin."""
_CLOSING = 3.0


class Writer:
    """Groups writes into transactions, one after another. Belongs to the loop that first gives it something.

    `on_refused` is told of each run that can be written no more, since others have ended or deleted it, or since the
    store has been away for too long; `on_written` of all runs that something was just written of. `late` is the
    seconds that a write may wait for others.
    """

    def __init__(
        self,
        store: Store,
        *,
        on_refused: Callable[[str], None],
        on_written: Callable[[Collection[str]], None],
        late: float = 0.04,
        most_bytes: int = 64 * MIB,
    ) -> None:
        self._store = store
        self._on_refused = on_refused
        self._on_written = on_written
        self._late = late
        self._most_bytes = most_bytes
        self._asked: dict[Collect, None] = {}
        self._pending: list[Write] = []  # for the next transaction
        self._sending: list[Write] = []  # of this one
        self._given_up: set[str] = set()  # whose end is still to be written
        self._flushing: list[asyncio.Future[None]] = []
        self._waiting_bytes = self._sending_bytes = 0  # of what is pending, and of what is sent
        self._failing_since = 0.0
        self._fault: Exception | None = None
        self._beginning: dict[str, asyncio.Future[None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._due = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def failing(self) -> bool:
        """Whether the store takes nothing at the moment."""
        return self._fault is not None

    @property
    def pending_bytes(self) -> int:
        """What is kept in memory until it is written."""
        return self._waiting_bytes + self._sending_bytes

    def soon(self, collect: Collect) -> None:
        """Have this called soon, once, and what it gives written. Never waits."""
        if not self._closed:
            self._asked[collect] = None
            self._wake_late()

    def put(self, writes: Iterable[Write]) -> None:
        """Write these with the next transaction. Never waits."""
        if not self._closed:
            self._take(writes)
            self._wake_late()

    async def begin(self, run: StoredRun) -> None:
        """Write a new run with the next transaction, which does not wait for others; `StoreError` where it fails.

        Those that begin at the same time are written together.
        """
        if self._fault is not None:
            raise StoreError(f"the store takes nothing at present: {self._fault}")
        done = self._beginning[run.key] = asyncio.get_running_loop().create_future()
        self.put([Begin(run.key, run)])
        self._due.set()
        try:
            await asyncio.wait_for(done, _BEGINNING)
        except TimeoutError as error:
            raise StoreError("the store does not answer") from error
        finally:
            del self._beginning[run.key]
            if done.cancelled() or done.exception() is not None:
                # It may be written all the same, and nobody runs it.
                self.put([Drop(run.key)])

    async def flush(self) -> None:
        """Wait until all that was asked for by now is written or given up."""
        if self._closed or not (self._asked or self._pending or self._sending):
            return
        self._gather()
        await self._next()

    async def finish(self, collect: Collect) -> None:
        """Write what this gives, and wait for it: with those that begin or finish now. All others have their time."""
        if self._closed:
            return
        self._asked.pop(collect, None)
        self._take_from(collect)
        await self._next()

    async def close(self) -> None:
        """Write what there is, but do not wait for long; then write no more."""
        flushing = asyncio.ensure_future(self.flush())
        if not (await asyncio.wait([flushing], timeout=_CLOSING))[0]:
            lost = {one.key for one in (*self._sending, *self._pending)}
            log.error("The store took nothing to the end: the last words of %d runs are lost", len(lost))
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._timer is not None:
            self._timer.cancel()
        _resolve(self._flushing)

    async def _next(self) -> None:
        """Wait until all that is pending is written or given up."""
        done = asyncio.get_running_loop().create_future()
        self._flushing.append(done)
        self._wake_late()
        self._due.set()
        await done

    def _wake_late(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            if self._task is None:
                self._task = loop.create_task(self._work(), name="mserve store")
            self._timer = loop.call_later(self._late, self._is_late)

    def _is_late(self) -> None:
        """Take what all runs have to say, since some of it has waited for as long as it may."""
        self._timer = None
        self._gather()
        self._due.set()

    async def _work(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            flushed, self._flushing = self._flushing, []
            try:
                await self._write()
            finally:
                _resolve(flushed)

    def _gather(self) -> None:
        """Take what runs have to say."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        asked, self._asked = self._asked, {}
        for collect in asked:
            self._take_from(collect)

    def _take_from(self, collect: Collect) -> None:
        try:
            self._take(collect())
        except Exception:
            log.exception("What a run said was not collected")

    def _take(self, writes: Iterable[Write]) -> None:
        for one in writes:
            if one.key not in self._given_up:
                self._pending.append(one)
                self._waiting_bytes += _size(one)

    async def _write(self) -> None:
        """Write all that is pending, however often it takes."""
        pause = _FIRST_PAUSE
        while self._pending:
            self._sending, self._pending = self._pending, []
            self._sending_bytes, self._waiting_bytes = self._waiting_bytes, 0
            try:
                refused = await self._transaction(self._sending)
            except Exception as error:  # noqa: BLE001  # whatever it is, nothing may be lost by it
                self._fail(error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                self._gather_more()
            else:
                self._succeed(refused)

    async def _transaction(self, writes: Sequence[Write]) -> set[str]:
        going = asyncio.ensure_future(self._store.write(writes))
        try:
            while not (await asyncio.wait([going], timeout=_PATIENCE))[0]:
                self._gather_more()
        finally:
            going.cancel()  # where the writer is
        return going.result()

    def _gather_more(self) -> None:
        """Take what runs say while the store takes nothing, as much as there is room for."""
        self._gather()
        too_much = self._waiting_bytes - self._most_bytes
        if too_much > 0:
            self._give_up(too_much)

    def _fail(self, error: Exception) -> None:
        """Keep what was not written, before all that came since."""
        if self._fault is None:
            self._failing_since = time.monotonic()
            fault = None if isinstance(error, StoreError) else error
            log.error("What runs say is kept in memory until it can be written: %s", error, exc_info=fault)
        self._fault = error
        for one in self._sending:
            waiting = self._beginning.get(one.key) if isinstance(one, Begin) else None
            if waiting is not None and not waiting.done():  # who waits may have given up just now
                waiting.set_exception(StoreError(str(error)))
        self._pending = [*(one for one in self._sending if not isinstance(one, Begin)), *self._pending]
        self._waiting_bytes = sum(map(_size, self._pending))
        self._sending, self._sending_bytes = [], 0

    def _succeed(self, refused: set[str]) -> None:
        if self._fault is not None:
            log.warning("The store can be written again, after %.1f s", time.monotonic() - self._failing_since)
            self._fault = None
        _resolve([waiting for one in self._sending if (waiting := self._beginning.get(one.key)) is not None])
        written, self._sending, self._sending_bytes = self._sending, [], 0
        self._given_up -= {one.key for one in written if isinstance(one, End)}
        self._drop(refused)
        self._tell({one.key for one in written} - refused, refused)

    def _give_up(self, too_much: int) -> None:
        """End the runs that have waited for longest: memory has an end, and no run may have a gap."""
        chosen: set[str] = set()
        oldest = iter(self._pending)
        while too_much > 0:
            one = next(oldest)
            chosen.add(one.key)
            too_much -= _size(one)
        log.error("The store has taken nothing for too long: %d runs are given up", len(chosen))
        self._drop(chosen)
        self._take([End(key, "failed", int(time.time())) for key in chosen])
        self._given_up |= chosen
        self._tell((), chosen)

    def _drop(self, keys: set[str]) -> None:
        """Forget what was to be written of some runs."""
        if any(one.key in keys for one in self._pending):
            self._waiting_bytes -= sum(_size(one) for one in self._pending if one.key in keys)
            self._pending = [one for one in self._pending if one.key not in keys]

    def _tell(self, written: Collection[str], refused: Iterable[str]) -> None:
        try:
            if written:
                self._on_written(written)
        except Exception:
            log.exception("Nobody was told what was written")
        for key in refused:
            try:
                self._on_refused(key)
            except Exception:
                log.exception("A run was not told that it can be written no more")


def _size(one: Write) -> int:
    if isinstance(one, Append):
        return _ROW + len(one.batch.data)
    return _ROW + len(one.run.body) if isinstance(one, Begin) else _ROW


def _resolve(waiting: Iterable[asyncio.Future[None]]) -> None:
    for done in waiting:
        if not done.done():
            done.set_result(None)
