"""Opens what programs share, once per process, and closes it: in one task, since scopes must end where they began."""

import asyncio
import logging
from collections.abc import Iterable
from contextlib import AsyncExitStack

from mserve.errors import MserveError, ShutdownError, StartupError
from mserve.program import Lifespan, Program
from mserve.programs.sharing import warn_of_state

log = logging.getLogger("mserve")


class Lifespans:
    """The lifespans of some programs; those of one module are one."""

    def __init__(self, programs: Iterable[Program]) -> None:
        self._lifespans = list(dict.fromkeys(p.lifespan for p in programs if p.lifespan is not None))
        self._states: dict[Lifespan, object] = {}
        self._task: asyncio.Task[None] | None = None
        self._opened = self._closing = asyncio.Event()  # new ones for each opening: an event belongs to one loop

    @property
    def is_opening(self) -> bool:
        """Whether somebody waits for them. Where the host has no lifespan, nobody does before the first request."""
        return self._task is not None and not self._opened.is_set()

    def state(self, program: Program) -> object:
        """Give what a program's lifespan yielded; None without one."""
        return self._states.get(program.lifespan) if program.lifespan is not None else None

    async def open(self) -> None:
        """Open all, once; whoever comes meanwhile waits. `StartupError` where one fails: a later call tries anew."""
        if not self._lifespans:
            return
        if self._task is None:
            self._opened, self._closing = asyncio.Event(), asyncio.Event()
            self._task = asyncio.create_task(self._hold(), name="mserve lifespans")
        task = self._task
        if self._opened.is_set() and not task.done():
            return
        opened = asyncio.ensure_future(self._opened.wait())
        try:
            await asyncio.wait([opened, task], return_when=asyncio.FIRST_COMPLETED)
        finally:
            opened.cancel()
        if task.done():
            if self._task is task:  # a later call may have begun anew already
                self._task = None
            task.result()

    async def close(self) -> None:
        """Close all that is open."""
        task, self._task = self._task, None
        if task is None:
            return
        if self._opened.is_set():
            self._closing.set()
            try:
                await task
            except Exception as error:
                log.exception("a lifespan failed while it was closed")
                raise ShutdownError(
                    f"a lifespan failed while it was closed: {type(error).__name__}: {error}"
                ) from error
        else:
            task.cancel()
            await asyncio.wait([task])

    async def _hold(self) -> None:
        try:
            await self._hold_open()
        except SystemExit as error:  # from a task, it would end the loop
            raise RuntimeError(f"SystemExit: {error}") from error

    async def _hold_open(self) -> None:
        async with AsyncExitStack() as stack:
            for lifespan in self._lifespans:
                try:
                    self._states[lifespan] = await stack.enter_async_context(lifespan())
                except MserveError as error:
                    raise StartupError(str(error)) from error
                except (Exception, SystemExit) as error:
                    where = f"{lifespan.__module__}.{getattr(lifespan, '__qualname__', 'lifespan')}"
                    raise StartupError(f"the lifespan {where} failed: {type(error).__name__}: {error}") from error
                warn_of_state(lifespan, self._states[lifespan])
            self._opened.set()
            await self._closing.wait()
