"""Serves an app in this process: opens it, answers until told to stop, and closes what it opened."""

import asyncio
import gc
import logging
import math
import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing, suppress
from functools import partial
from types import FrameType
from typing import cast

import uvicorn

from mserve.web.app import App
from mserve.web.observe import set_up_telemetry

from .config import Settings
from .http import Connection
from .leaving import LastResort
from .limits import Shared, make_room
from .sockets import listening
from .uvicorn_config import uvicorn_config
from .watchdog import Watchdog

OnReady = Callable[[str], None]
"""Told the base URL for clients, once the server answers."""

log = logging.getLogger("mserve")

_LOOK = 0.1
"""Seconds between two looks at whether a signal came: uvicorn's handler only leaves a mark."""
_AT_ONCE = 3.0
"""Seconds after a second signal until the process ends, even where a program holds the loop or a lifespan hangs."""
_LAST_BYTES = 1.0
"""Seconds that clients get to read the end of what was said."""
_LEFT = 0.5
"""Seconds that tasks get to end once everything is closed."""


def _nobody(_base_url: str) -> None:
    pass


class Worker(uvicorn.Server):
    """Uvicorn's server around our app, which is open before the first request and closed after the last."""

    answers_early = True
    """Whether requests are taken while the app opens; they wait for it."""
    moment = 0.0
    """Seconds in which those requests end that only wait for the end, as pages do that follow edits."""
    is_patient = False
    """Whether open requests get all the time that they need, since another process takes the new ones."""

    def __init__(self, app: App, settings: Settings, on_ready: OnReady = _nobody) -> None:
        super().__init__(uvicorn_config(app.answer, settings))
        self._app = app
        self._on_ready = on_ready
        self._drain_delay = settings.drain_delay
        self._close_timeout = settings.close_timeout
        self._header_timeout = settings.header_timeout
        self._last_resort: LastResort | None = None
        self.server_state = self.shared = Shared(settings.limit_connections, app.refused)
        self._was_cancelled = self._has_signals = False
        self.servers = []
        self._watchdog = Watchdog(settings.block_warning, app.lagged)

    def run_forever(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve on a loop of its own until a signal; `StartupError` where that cannot begin.

        The process ends where a signal came, and what programs do or close does not end in its time. Threads that
        programs leave behind are not waited for.
        """
        set_up_telemetry()
        runner = asyncio.Runner(loop_factory=self.config.get_loop_factory())
        # Closed by itself: the runner would wait for threads, and for tasks that do not end.
        with closing(runner.get_loop()) as loop, LastResort(loop) as self._last_resort:
            try:
                self._serve_on(loop, sockets)
            finally:
                runner.run(_end_tasks())

    def _serve_on(self, loop: asyncio.AbstractEventLoop, sockets: list[socket.socket] | None) -> None:
        """Serve to the end. SystemExit, raised by a task that a program started, ends that task alone."""
        serving = loop.create_task(self.serve(sockets))
        while not serving.done():
            try:
                loop.run_until_complete(serving)
            except (SystemExit, KeyboardInterrupt) as error:
                if not serving.done():
                    # Signals raise none while they are taken; before and after, one is a wish.
                    log.exception("%s in a task of a program has ended the task alone", type(error).__name__)
                    self.should_exit |= not self._has_signals
        serving.result()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve on this loop until a signal, or until `should_exit`; `StartupError` where that cannot begin."""
        config = self.config
        self.shared.limit = make_room(self.shared.limit, may_grow=self._last_resort is not None)
        with ExitStack() as listeners:
            sockets = sockets or [listeners.enter_context(listening(config.host, config.port, config.uds))]
            with self.capture_signals():
                self._has_signals = True
                try:
                    await self._serve(sockets)
                finally:
                    try:
                        await self._app.close()
                    finally:
                        # A signal has done its work by now: it shall not end the process a second time.
                        self._captured_signals.clear()
                        self._has_signals = False
        if self._was_cancelled:
            raise asyncio.CancelledError

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer, and open the app meanwhile: who watches over the server hears that it starts, all others wait.

        Where a signal comes first, there is no more to do: opening may take long.
        """
        if not self.answers_early and not await self._opened():
            return
        await self._listen(sockets or [])
        try:
            is_open = await self._opened()
        except BaseException:
            self.force_exit = True
            await self.shutdown(sockets)
            raise
        if is_open:
            if self._last_resort is not None:
                _spare_streams()
            self._on_ready(self._base_url(sockets))
        else:
            self.force_exit = True  # who waits for it would wait in vain

    async def _listen(self, sockets: Sequence[socket.socket]) -> None:
        """Take connections, as uvicorn does. Of TLS it says nothing, and then a handshake may take a minute."""
        config = self.config
        protocol = cast("Callable[..., Connection]", config.http_protocol_class)
        make = partial(protocol, config=config, server_state=self.server_state, app_state={})
        seconds = self._header_timeout if config.is_ssl else None
        for listener in sockets:
            server = await asyncio.get_running_loop().create_server(
                make,
                sock=listener,
                backlog=config.backlog,
                ssl=config.ssl,
                ssl_handshake_timeout=seconds,
                ssl_shutdown_timeout=seconds,
            )
            self.servers.append(server)
        self.started = True

    async def _opened(self) -> bool:
        """Open the app; False where a signal came first."""
        opening = asyncio.create_task(self._app.open())
        try:
            while not opening.done() and not self.should_exit:
                await asyncio.wait([opening], timeout=_LOOK)
        finally:
            opening.cancel()
        if opening.done():
            opening.result()
        return opening.done()

    async def main_loop(self) -> None:
        """Wait for the end. A task that is cancelled, as a notebook's is, ends in the same order as by a signal."""
        try:
            with self._watchdog:
                await super().main_loop()
        except asyncio.CancelledError:
            self._was_cancelled = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say that it ends; take no more; let what is open end, or end it with an error that its client hears."""
        self._app.retire()
        self.shared.is_draining = True
        if self._drain_delay:
            log.info("ending: requests are taken for %g s more", self._drain_delay)
        await self._wait(lambda: True, self._drain_delay)
        for server in self.servers:
            server.close()
        for connection in self._connections():
            if not (self.is_patient and connection.is_idle):
                connection.shutdown()
        await self._wait(self._is_busy, self.moment)
        if self._is_busy() and not self.force_exit:
            log.info("ending: open requests get %s; Ctrl-C ends them at once", self._time_left())
        await self._wait(lambda: self.is_patient and (bool(self._connections()) or self._is_busy()), math.inf)
        await self._wait(self._is_busy, self._app.times.shutdown)
        self._must_end(self._close_timeout)
        await self._app.end_runs()
        await self._hang_up()
        await super().shutdown(sockets)

    async def _hang_up(self) -> None:
        """Let clients read the end of what was said; who does not is cut off, since its answer would wait for it."""
        for connection in self._connections():
            connection.shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_BYTES):
                while self._connections():  # noqa: ASYNC110  # they are uvicorn's to count
                    await asyncio.sleep(_LOOK)
        for connection in self._connections():
            connection.transport.abort()

    def _must_end(self, seconds: float) -> None:
        """Give the process so much time, where this is its server."""
        if self._last_resort is not None:
            self._last_resort.within(seconds)

    async def _wait(self, still: Callable[[], bool], seconds: float) -> None:
        """Wait as long as something is so, for some time at most, and not after a second signal."""
        clock = asyncio.get_running_loop().time
        until = clock() + seconds
        while still() and not self.force_exit and clock() < until:  # noqa: ASYNC110  # a signal only leaves a mark
            await asyncio.sleep(min(_LOOK, max(0.0, until - clock())))

    def _is_busy(self) -> bool:
        """Whether somebody waits for an answer, or is about to have asked."""
        return self._app.open_requests > 0 or not all(connection.is_idle for connection in self._connections())

    def _connections(self) -> list[Connection]:
        return list(cast("set[Connection]", self.server_state.connections))

    def _time_left(self) -> str:
        return "their time" if self.is_patient else f"{self._app.times.shutdown:g} s"

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal: the first is a wish, the second an order."""
        if self.should_exit:
            self.force_exit = True
            self._must_end(_AT_ONCE)
        elif not self.is_patient:
            self._must_end(self._longest_end)
        super().handle_exit(sig, frame)

    @property
    def _longest_end(self) -> float:
        return self._drain_delay + self._app.times.shutdown + self._close_timeout

    def _base_url(self, sockets: list[socket.socket] | None) -> str:
        if self.config.uds or not sockets:
            return f"unix:{self.config.uds}:/v1"
        host, port = sockets[0].getsockname()[:2]
        scheme = "https" if self.config.is_ssl else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/v1"


def _spare_streams() -> None:
    """Look for garbage less often, and not among what is here to stay: each look holds up every stream."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


async def _end_tasks() -> None:
    """End what programs left on the loop, as `asyncio.run` does, but do not wait for ever."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    with suppress(TimeoutError):
        async with asyncio.timeout(_LEFT):
            if left:
                await asyncio.wait(left)
            await asyncio.get_running_loop().shutdown_asyncgens()
