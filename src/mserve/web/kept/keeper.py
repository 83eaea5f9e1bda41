"""Opens the store of one app when it is first needed, and keeps there what is to be found again."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from mserve.errors import ClientError, MserveError, StartupError
from mserve.events import Failure
from mserve.options import Options
from mserve.program import Program
from mserve.runs.run import Run
from mserve.store.base import Drop, Store, StoreError
from mserve.store.opening import check_url, may_hold_runs, open_store
from mserve.store.place import this_worker
from mserve.store.writer import Writer

from .adding import Adding
from .followed import GONE, Followed, unavailable
from .newsroom import Newsroom
from .recorder import Recorder
from .vigil import Vigil

log = logging.getLogger("mserve")


class Desk:
    """An open store, and all who write into it or read from it in this process."""

    def __init__(self, store: Store, options: Options) -> None:
        self.store = store
        self.worker = this_worker()
        self.recorders: dict[str, Recorder] = {}
        self.newsroom = Newsroom(store, self.recorders.__contains__)
        self.writer = Writer(store, on_refused=self._refused, on_written=self.newsroom.tell)
        self._vigil = Vigil(store, self.worker, options, self.cancel)

    async def open(self) -> None:
        """Say that this process lives, and look after those that do not from now on."""
        await self._vigil.begin()

    def record(self, key: str, runs: Sequence[Run], adding: Adding | None) -> Recorder:
        """Keep what some runs say, from their first events on."""
        recorder = self.recorders[key] = Recorder(key, runs, self.writer, self._ended, adding)
        return recorder

    def follow(self, key: str, gone: Failure = GONE) -> Followed:
        """Read a run from its first event on, wherever it runs; see `Followed`."""
        return Followed(key, self.store, self.newsroom, gone)

    def cancel(self, key: str) -> bool:
        """End a run of this process; tell whether it is one."""
        recorder = self.recorders.get(key)
        if recorder is not None:
            recorder.cancel()
        return recorder is not None

    async def forget(self, key: str) -> None:
        """Let go of a run that never was: now, or as soon as the store takes that."""
        try:
            await self.store.delete(key, None)
        except StoreError:
            self.writer.put([Drop(key)])

    async def close(self) -> None:
        """Write what is still to be written, and let go of the store."""
        await self._vigil.end()
        await self.writer.close()
        self.newsroom.close()
        await self.store.close()

    def _refused(self, key: str) -> None:
        """Hear that a run can be kept no more: whoever does not wait for its answer will never find it."""
        recorder = self.recorders.get(key)
        if recorder is not None:
            log.error("run %s can be kept no more: it is cancelled", key)
            recorder.cancel()
            recorder.give_up()

    def _ended(self, recorder: Recorder) -> None:
        self.recorders.pop(recorder.key, None)


def check_store(programs: Sequence[Program], options: Options) -> None:
    """Refuse to serve what has to be kept where nothing is, or nothing ever can be: `StartupError`."""
    if options.store is not None:
        try:
            check_url(options.store)
        except StoreError as error:
            raise StartupError(str(error)) from error
    detached = [program.name for program in programs if program.traits.on_disconnect == "detach"]
    if options.store is None and (detached or options.on_disconnect == "detach"):
        who = f"the program {detached[0]}" if detached else "the server"
        raise StartupError(f"{who} lets runs go on to be found again (detach), and there is no store to find them in")


class Keeper:
    """The desk of one app: opened by whoever is the first to need it."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._opening: asyncio.Task[Desk] | None = None
        self._trouble = ""  # that was told already

    @property
    def keeps(self) -> bool:
        """Whether anything can be kept."""
        return self._options.store is not None

    def begin(self) -> None:
        """Open the store in the background, if runs may be in it whose processes have ended; nobody waits for it."""
        url = self._options.store
        if url is not None and may_hold_runs(url):
            self._open(url)

    async def desk(self) -> Desk:
        """Give the desk; `ClientError` where there is none, or where it cannot be opened: a later call tries anew."""
        url = self._options.store
        if url is None:
            raise ClientError("This server keeps no answers: it was started without a store.", 404, "store_disabled")
        opening = self._opening or self._open(url)
        try:
            return await asyncio.shield(opening)
        except MserveError as error:
            raise unavailable() from error

    async def close(self) -> None:
        """Let go of the store."""
        opening, self._opening = self._opening, None
        if opening is None:
            return
        with suppress(MserveError, asyncio.CancelledError):
            await (await opening).close()

    def _open(self, url: str) -> "asyncio.Task[Desk]":
        self._opening = asyncio.create_task(self._opened(url), name="mserve store opens")
        self._opening.add_done_callback(self._failed)
        return self._opening

    def _failed(self, opening: "asyncio.Task[Desk]") -> None:
        if opening.cancelled() or opening.exception() is not None:
            self._opening = None
        trouble = "" if opening.cancelled() else str(opening.exception() or "")
        if trouble and trouble != self._trouble:
            log.error("the store cannot be opened: %s", trouble)
        self._trouble = trouble

    async def _opened(self, url: str) -> Desk:
        # Its library takes a third of a second to load, in which no stream shall stand still.
        store = await asyncio.to_thread(open_store, url)
        try:
            await store.open()
            desk = Desk(store, self._options)
            await desk.open()
        except BaseException:
            await store.close()
            raise
        return desk
