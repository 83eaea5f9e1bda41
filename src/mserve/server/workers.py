"""Serves programs by several processes on one address: one that dies or hangs is replaced, and SIGHUP renews them all.

No request is lost by a renewal: each process answers until its successor is ready, and ends with its last stream.
"""

import asyncio
import logging
import signal
import socket
from collections import deque
from collections.abc import Callable, Sequence

from msgspec import Struct, structs

from mserve.errors import LoadError, MserveError, StartupError

from .child import Child
from .config import Settings
from .messages import Answer, Failed, Leaving, Order, Ready, Want
from .parts import Part, check_parts
from .pulse import BEAT, Pulse
from .slots import Slot
from .supervisor import Supervisor

OnReady = Callable[[Sequence[str], str], None]
"""Told the programs' names and the base URL for clients, once all workers answer."""

log = logging.getLogger("mserve")

_EMPTY = 1.0
"""Seconds for which connections wait at a place that is empty, after those in which a process that ends takes some."""


class _Beat(Struct, frozen=True):
    pass


class _Due(Struct, frozen=True):
    slot: Slot


class Workers(Supervisor):
    """Keeps as many processes at work as were asked for."""

    signals = (signal.SIGHUP,)

    def __init__(self, programs: Sequence[str], names: Sequence[str], settings: Settings, on_ready: OnReady) -> None:
        super().__init__(settings)
        self.copies = settings.workers
        self._order = Order(tuple(programs), tuple(names), settings)
        self._on_ready = on_ready
        self._slots: list[Slot] = []
        self._pulse = Pulse()
        self._renewing: deque[Slot] = deque()
        self._renewed: Slot | None = None
        self._has_begun = False
        self._hung: set[Child] = set()
        self._told: set[Child] = set()

    def run(self) -> None:
        """Do as all supervisors; a program that cannot be served ends it only at the start."""
        check_parts(self.settings)
        super().run()

    async def begin(self, listeners: Sequence[socket.socket]) -> None:
        """Start all workers."""
        shares = len(set(listeners)) < len(listeners)
        self._slots = [Slot(Part(index, len(listeners)), one, shares) for index, one in enumerate(listeners)]
        for slot in self._slots:
            await self._fill(slot)

    async def watch(self) -> None:
        """Let it be looked after the workers, again and again."""
        while True:
            await asyncio.sleep(BEAT)
            self.events.put_nowait(_Beat())

    async def hear(self, event: object) -> None:
        """Look after the workers."""
        match event:
            case (Child() as child, Answer() as answer):
                self._pulse.answered(child, answer)
            case (Child() as child, Want()):
                self._pulse.want(child)
            case (Child() as child, Failed() as failed):
                self._hear_failure(child, failed)
            case _ if self.is_stopping:
                pass
            case (Child() as child, Ready() as ready) if (slot := self._starting(child)) is not None:
                await self._take_over(slot, child, ready)
            case (Child() as child, Leaving()):
                self._lose(child, "ends, though nobody asked this server to")
            case _Due(slot) if slot.serving is None and slot.starting is None:
                await self._fill(slot)
            case signal.SIGHUP:
                await self._renew()
            case _Beat():
                self._beat()
            case _:
                pass  # a place that was filled meanwhile, and a process that was given up before it was ready

    def ended(self, child: Child, code: int) -> None:
        """Replace a worker that has ended by itself."""
        was_ready = child in self._pulse
        self._pulse.end(child)
        how = _how(code)
        if child in self._hung:
            how = f"did not answer for {self.settings.worker_timeout:g} s, and was killed"
        is_told = child in self._told
        self._hung.discard(child)
        self._told.discard(child)
        if (slot := self._starting(child)) is not None:
            self._miss(slot, StartupError(f"the program ended its process while it was loaded: it {how}"))
        elif self._serving(child) is not None and not self.is_stopping:
            self._lose(child, how)
        elif was_ready and code and not is_told:
            log.warning("a worker that was to end (process %d) %s", child.pid, how)
            if self.is_stopping:
                self.unclosed[f"a worker did not end in order: it {how}"] = None

    def settle(self) -> None:
        """Give up the processes that are not ready yet."""
        self._renewing.clear()
        for slot in self._slots:
            slot.drop()

    def _starting(self, child: Child) -> Slot | None:
        return next((slot for slot in self._slots if slot.starting is child), None)

    def _serving(self, child: Child) -> Slot | None:
        return next((slot for slot in self._slots if slot.serving is child), None)

    async def _fill(self, slot: Slot) -> None:
        order = structs.replace(self._order, part=slot.part, answers_early=not self._has_begun)
        try:
            slot.starting = await self.start(order, slot.listener)
        except StartupError as error:
            self._miss(slot, error)

    async def _take_over(self, slot: Slot, child: Child, ready: Ready) -> None:
        self._pulse.begin(child)
        if slot.serving is not None:
            slot.serving.signal(signal.SIGTERM)
        slot.fill(child)
        if self._has_begun:
            log.info("%s serves (process %d)", slot, child.pid)
        elif all(slot.serving for slot in self._slots):
            self._has_begun = True
            self._on_ready(ready.names, ready.base_url)
        if slot is self._renewed:
            await self._renew_next()

    async def _renew(self) -> None:
        log.info("SIGHUP: each worker gets a successor")
        for slot in self._slots:
            slot.drop()  # what it began with is old by now
        self._renewing = deque(self._slots)
        await self._renew_next()

    async def _renew_next(self) -> None:
        if not self._renewing:
            self._renewed = None
            log.info("SIGHUP: all workers have successors")
            return
        self._renewed = slot = self._renewing.popleft()
        slot.drop()  # it may have died meanwhile
        await self._fill(slot)

    def _hear_failure(self, child: Child, failed: Failed) -> None:
        if (slot := self._starting(child)) is not None:
            self._miss(slot, LoadError(failed.reason) if failed.is_load else StartupError(failed.reason))
            return
        self._told.add(child)
        if self.is_stopping:
            self.unclosed[failed.reason] = None
        else:
            log.error("%s", failed.reason)

    def _miss(self, slot: Slot, error: MserveError) -> None:
        """Go on without a process that could not begin."""
        slot.starting = None
        if not self._has_begun:
            raise error
        if slot is self._renewed:
            self._renewed, kept = None, len(self._renewing) + 1
            self._renewing.clear()
            log.error("SIGHUP: %s  (%d of %d workers go on as before)", error, kept, len(self._slots))
        if slot.serving is None:
            slot.troubles += 1
            log.error("%s cannot be replaced: %s; the next try is in %g s", slot, error, slot.pause())
            self._fill_later(slot)

    def _lose(self, child: Child, how: str) -> None:
        """Replace a process that served."""
        if (slot := self._serving(child)) is None:
            return
        slot.lose()
        log.error("%s (process %d) %s: another takes its place in %g s", slot, child.pid, how, slot.pause())
        self._fill_later(slot)

    def _fill_later(self, slot: Slot) -> None:
        asyncio.get_running_loop().call_later(slot.pause(), self.events.put_nowait, _Due(slot))

    def _beat(self) -> None:
        self._pulse.beat()
        for child in self._pulse.silent(self.settings.worker_timeout):
            self._hung.add(child)
            child.signal(signal.SIGKILL)
        for slot in self._slots:
            if self._has_begun and slot.close_if_empty(self.settings.drain_delay + _EMPTY):
                log.warning("%s is missing: the others get its connections", slot)


def _how(code: int) -> str:
    return f"ended with exit code {code}" if code >= 0 else f"was ended by signal {-code} ({signal.strsignal(-code)})"
