"""One database: how it is opened, what a transaction in it is, what its errors are called. Knows nothing of runs."""

import asyncio
import os
import sqlite3
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, event, func, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from .base import StoreError

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]

_READERS = 4
_BUSY = 5.0
"""Seconds for which SQLite waits until another process has written."""
_LOST = 30.0
"""Seconds after which PostgreSQL has not answered."""


class Database:
    """Runs transactions in a SQLite file or in PostgreSQL. `open` it first."""

    def __init__(self, url: URL) -> None:
        self.name = url.get_backend_name()
        self._url = url
        self._file = Path(url.database or "") if self.name == "sqlite" else None
        host = url.query.get("host") or url.host or ""
        self.place = str(self._file) if self._file else f"{url.database or 'postgresql'} at {host or 'this machine'}"
        if self._file:
            # One connection writes: in a process, its pool is the queue of those who want to.
            self._readers = self._sqlite(_READERS)
            self._writers = self._sqlite(1)
            event.listen(self._writers.sync_engine, "begin", _begin_to_write)
        else:
            self._writers = _postgresql(url)
            self._readers = self._writers.execution_options(isolation_level="AUTOCOMMIT")
        self._going: set[asyncio.Future[Any]] = set()

    async def open(self, prepare: Work[None]) -> None:
        """Connect, and do what comes first in a transaction: one process after another, where several open it."""
        if self._file:
            self._make(self._file)

        async def alone(connection: AsyncConnection) -> None:
            if not self._file:
                await connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
            await prepare(connection)

        await self.write(alone)

    async def close(self) -> None:
        """Let what is going on end, and let go of all connections."""
        await asyncio.gather(*self._going, return_exceptions=True)
        await self._readers.dispose()
        await self._writers.dispose()

    async def read(self, work: Work[T]) -> T:
        """Do what one query is enough for."""
        return await self._apart(self._reading(work))

    async def write(self, work: Work[T]) -> T:
        """Do something in a transaction: all of it, or with an error nothing."""
        return await self._apart(self._writing(work))

    async def _apart(self, doing: Coroutine[Any, Any, T]) -> T:
        """Let a transaction end even where nobody waits for it any more: half of one would hold up all others."""
        task = asyncio.ensure_future(doing)
        self._going.add(task)
        task.add_done_callback(self._going.discard)
        return await asyncio.shield(task)

    async def _reading(self, work: Work[T]) -> T:
        try:
            async with self._readers.connect() as connection:
                return await work(connection)
        except _ERRORS as error:
            raise self._told(error) from error

    async def _writing(self, work: Work[T]) -> T:
        try:
            async with self._writers.begin() as connection:
                return await work(connection)
        except _ERRORS as error:
            raise self._told(error) from error

    def _told(self, error: BaseException) -> StoreError:
        """Say what went wrong without a statement, a client's data or a password."""
        cause: BaseException = (error.orig or error) if isinstance(error, DBAPIError) else error
        words = str(cause).partition("\n")[0] or type(cause).__name__
        return StoreError(f"the store {self.place}: {words.rpartition('>: ')[2]}")

    def _make(self, file: Path) -> None:
        """Make the file, for nobody else to read."""
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise self._told(error) from error

    def _sqlite(self, size: int) -> AsyncEngine:
        engine = create_async_engine(
            self._url.set(drivername="sqlite+aiosqlite"),
            connect_args={"isolation_level": None, "timeout": _BUSY},
            pool_size=size,
            max_overflow=0,
            hide_parameters=True,
        )
        event.listen(engine.sync_engine, "connect", _set_up)
        return engine


_ERRORS = (SQLAlchemyError, sqlite3.Error, OSError, TimeoutError)
_LOCK = 0x6D7365727665
"""What PostgreSQL knows the making of our tables by."""


async def clock(connection: AsyncConnection) -> float:
    """Give the time that all who use a database agree on, in seconds since 1970."""
    if connection.dialect.name == "sqlite":
        return time.time()
    now = await connection.scalar(select(func.extract("epoch", func.clock_timestamp())))
    return float(now or 0)


def _set_up(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("auto_vacuum=INCREMENTAL", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_to_write(connection: Connection) -> None:
    """Take the right to write at once: who has read first is refused it, where another has written meanwhile."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _postgresql(url: URL) -> AsyncEngine:
    try:
        return create_async_engine(
            url.set(drivername="postgresql+asyncpg"),
            connect_args={"timeout": _LOST / 3, "command_timeout": _LOST},
            pool_pre_ping=True,
            hide_parameters=True,
        )
    except ModuleNotFoundError as error:
        raise StoreError("a store in PostgreSQL needs a driver: pip install 'mserve[postgresql]'") from error
