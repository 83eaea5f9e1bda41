"""Serving from Python: what `mserve run` does, in a script or on a loop that already runs."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mserve.errors import StartupError
from mserve.program import Lifespan
from mserve.programs.load import Source
from mserve.web.app import create_app

from .config import Settings
from .uvicorn_config import set_up_logs
from .worker import Worker

if TYPE_CHECKING:
    from .workers import Workers


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

    A signal ends the process as it ends `mserve run`, by force where programs or lifespans do not close in their time,
    as long as this call lasts. After it the process is the caller's again: threads that programs left are Python's to
    wait for, and nothing ends it by force.

    Several workers (`Settings(workers=2)`) load the programs themselves: these are files or `module:name`s then.
    """
    settings = _settings(settings, host, port)
    if settings.workers > 1:
        _workers(programs, names, lifespan, settings).run()
    else:
        _worker(programs, names, lifespan, settings).run_forever()


async def serve_async(
    *programs: Source,
    host: str | None = None,
    port: int | None = None,
    names: Sequence[str] = (),
    lifespan: Lifespan | None = None,
    settings: Settings | None = None,
) -> None:
    """Do as `run` does on a loop that already runs, such as a notebook's: await it, or make it a task to cancel.

    The process is its host's: it is never ended by force, and may open as many files as before.
    """
    settings = _settings(settings, host, port)
    if settings.workers > 1:
        raise StartupError(
            "several workers need a process that starts them: mserve.run does that, serve_async does not"
        )
    await _worker(programs, names, lifespan, settings).serve()


def _settings(settings: Settings | None, host: str | None, port: int | None) -> Settings:
    settings = settings or Settings()
    return replace(settings, host=settings.host if host is None else host, port=settings.port if port is None else port)


def _worker(programs: Sequence[Source], names: Sequence[str], lifespan: Lifespan | None, settings: Settings) -> Worker:
    set_up_logs(settings)
    return Worker(create_app(*programs, names=names, lifespan=lifespan, options=settings.options()), settings)


def _workers(
    programs: Sequence[Source], names: Sequence[str], lifespan: Lifespan | None, settings: Settings
) -> "Workers":
    from .workers import Workers  # noqa: PLC0415  # not what a single one needs

    sources = [str(program) for program in programs if isinstance(program, str | Path)]
    if lifespan is not None or len(sources) < len(programs):
        raise StartupError(
            "several workers load the programs themselves: name each as a file or as module:name, "
            "with its lifespan() beside it, or say workers=1"
        )
    set_up_logs(settings)
    return Workers(sources, names, settings, lambda _names, _base_url: None)
