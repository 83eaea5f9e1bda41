"""Serves an app in this process: opens it, answers until told to stop, and closes what it opened."""

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from dataclasses import replace

import uvicorn

from mserve.errors import StartupError
from mserve.program import Lifespan
from mserve.programs.load import Source
from mserve.web.app import App, create_app

from .config import Settings, uvicorn_config
from .sockets import bind

OnReady = Callable[[str], None]
"""Told the base URL for clients, once the server answers."""

log = logging.getLogger("mserve")

_LOOK = 0.1
"""Seconds between two looks at whether a signal came: uvicorn's handler only leaves a mark."""


def _nobody(_base_url: str) -> None:
    pass


class Worker(uvicorn.Server):
    """Uvicorn's server around our app, which is open before the first request and closed after the last."""

    def __init__(self, app: App, settings: Settings, on_ready: OnReady = _nobody) -> None:
        super().__init__(uvicorn_config(app, settings))
        self._app = app
        self._on_ready = on_ready
        self._shutdown_timeout = settings.shutdown_timeout
        self._was_cancelled = False

    def run_forever(self) -> None:
        """Serve on a loop of its own until a signal; `StartupError` where that cannot begin."""
        with asyncio.Runner(loop_factory=self.config.get_loop_factory()) as runner:
            runner.run(self.serve())

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve on this loop until a signal, or until `should_exit`; `StartupError` where that cannot begin."""
        listeners = sockets or ([] if self.config.uds else [bind(self.config.host, self.config.port)])
        try:
            with self.capture_signals():
                await self._serve(listeners or None)
                # A signal has done its work once everything is closed: it shall not end the process a second time.
                self._captured_signals.clear()
        finally:
            for listener in listeners:
                listener.close()
            await self._app.close()
        if self._was_cancelled:
            raise asyncio.CancelledError

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the app, then answer; not where a signal came meanwhile, since opening may take long."""
        if not await self._opened():
            return
        try:
            await super().startup(sockets)
        except OSError as error:
            raise StartupError(f"cannot listen on {self.config.uds}: {error.strerror or error}") from error
        self._on_ready(self._base_url(sockets))

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
            await super().main_loop()
        except asyncio.CancelledError:
            self._was_cancelled = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more; let what is open end, or end it with an error that its client hears; then hang up."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if self._app.open_requests:
            log.info("ending: open requests get %s s; Ctrl-C ends them at once", self._shutdown_timeout)
        draining = asyncio.create_task(self._app.drain())
        while not draining.done() and not self.force_exit:
            await asyncio.wait([draining], timeout=_LOOK)
        draining.cancel()
        await self._app.end_runs()
        await super().shutdown(sockets)

    def _base_url(self, sockets: list[socket.socket] | None) -> str:
        if not sockets:
            return f"unix:{self.config.uds}:/v1"
        host, port = sockets[0].getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"


def run(
    *programs: Source,
    host: str | None = None,
    port: int | None = None,
    names: Sequence[str] = (),
    lifespan: Lifespan | None = None,
    settings: Settings | None = None,
) -> None:
    """Serve programs until Ctrl-C: file paths, `module:name`s or callables, as `create_app` takes them.

    They are served on 127.0.0.1, port 8000, unless `host`, `port` or `settings` say otherwise; `settings` holds what
    `mserve run` has flags for. Raises `LoadError`, `StartupError` and `ShutdownError`.
    """
    _worker(programs, names, lifespan, _settings(settings, host, port)).run_forever()


async def serve_async(
    *programs: Source,
    host: str | None = None,
    port: int | None = None,
    names: Sequence[str] = (),
    lifespan: Lifespan | None = None,
    settings: Settings | None = None,
) -> None:
    """Do as `run` does on a loop that already runs, such as a notebook's: await it, or make it a task to cancel."""
    await _worker(programs, names, lifespan, _settings(settings, host, port)).serve()


def _settings(settings: Settings | None, host: str | None, port: int | None) -> Settings:
    settings = settings or Settings()
    return replace(settings, host=settings.host if host is None else host, port=settings.port if port is None else port)


def _worker(programs: Sequence[Source], names: Sequence[str], lifespan: Lifespan | None, settings: Settings) -> Worker:
    return Worker(create_app(*programs, names=names, lifespan=lifespan, options=settings.options()), settings)
