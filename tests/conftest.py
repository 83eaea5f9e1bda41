"""What all tests share: real server processes, and one embedded model for the whole session."""

import asyncio
import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import settings

from mserve.local import LocalModel, serving
from postgres import Postgres
from processes import Serve, ServerProcess
from raying import ON_RAY, server_on_ray

# A shared machine has no deadlines to keep, and the same cases each time make a failure anyone's to repeat.
settings.register_profile("mserve", deadline=None, derandomize=True)
settings.load_profile("mserve")

# What the user of this machine keeps is nothing to tests: a server that finds a store at its start opens it.
_DATA = tempfile.TemporaryDirectory(prefix="mserve-tests-")
os.environ["XDG_DATA_HOME"] = _DATA.name


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """Undo what a server in this process does to the logs: they are the process's, and other tests read them."""
    loggers = [logging.getLogger(name) for name in ("mserve", "mserve.access", "uvicorn", "uvicorn.error")]
    before = [(logger.level, logger.propagate, [*logger.handlers]) for logger in loggers]
    yield
    for logger, (level, propagate, handlers) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.propagate, logger.handlers = propagate, handlers


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start servers of this test's own; they end with it."""
    yield from _serving(tmp_path)


@pytest.fixture(scope="module")
def serve_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Start servers that all tests of a module share."""
    yield from _serving(tmp_path_factory.mktemp("programs"))


def _serving(folder: Path) -> Iterator[Callable[..., ServerProcess]]:
    started: list[ServerProcess] = []

    def start(
        *programs: str | Path, flags: tuple[str, ...] = (), env: Mapping[str, str] | None = None
    ) -> ServerProcess:
        files: list[str] = []
        for program in programs:
            file = program
            if isinstance(program, str):
                file = folder / f"program_{len(started)}_{len(files)}.py"
                file.write_text(program)
            files.append(str(file))
        # None of a test's runs may get into what the user of this machine keeps.
        env = {"MSERVE_STORE": f"sqlite:///{folder}/runs.db"} | dict(env or {})
        server = server_on_ray(*files, *flags, env=env) if ON_RAY else ServerProcess(*files, *flags, env=env)
        started.append(server)
        server.wait_until_ready()
        return server

    try:
        yield start
    finally:
        for server in started:
            server.stop()


@pytest.fixture(scope="session")
def embedded() -> Iterator[LocalModel]:
    """The packaged model, loaded once, in this process."""
    with asyncio.Runner() as runner:
        model = serving()
        yield runner.run(model.__aenter__())
        runner.run(model.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgres]:
    """A PostgreSQL that all tests of this process share; who stops it starts it again."""
    with Postgres() as server:
        yield server
