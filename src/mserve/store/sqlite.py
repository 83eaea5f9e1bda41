"""A database in a file of SQLite's, which several processes may open at once. One of them writes at a time."""

import asyncio
import os
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from .database import T, Work, told

_READERS = 4
_BUSY = 5.0
"""Seconds for which a process waits until another has written."""
_AGAIN = 0.02
_PRAGMAS = ("synchronous=NORMAL", "foreign_keys=ON", "journal_size_limit=16777216")


class Sqlite:
    """Does each piece of work on a thread, in one go: each step by itself would cost the event loop several times more.

    One thread writes, so that those who want to are served in turn; others read meanwhile.
    """

    def __init__(self, url: URL) -> None:
        self._file = Path(url.database or "")
        self.place = str(self._file)
        self._writer, self._readers = _engine(url, 1), _engine(url, _READERS)
        event.listen(self._writer, "begin", _begin)
        self._writing = ThreadPoolExecutor(1, "mserve store")
        self._reading = ThreadPoolExecutor(_READERS, "mserve store")

    async def open(self) -> None:
        """Make the file, for nobody else to read."""
        await asyncio.get_running_loop().run_in_executor(self._writing, self._make)

    async def close(self) -> None:
        """Let what is going on end, and close the file."""
        await asyncio.to_thread(self._close)

    async def read(self, work: Work[T]) -> T:
        """Do what one query is enough for."""
        return await asyncio.get_running_loop().run_in_executor(self._reading, self._read, work)

    async def write(self, work: Work[T]) -> T:
        """Do something in a transaction."""
        return await asyncio.get_running_loop().run_in_executor(self._writing, self._write, work)

    def _make(self) -> None:
        with told(self.place):
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Not where it is there: to close it would let go of all locks that this process has on it.
            with suppress(FileExistsError):
                os.close(os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            with closing(sqlite3.connect(self._file, timeout=_AGAIN, isolation_level=None)) as file:
                _write_ahead(file)

    def _read(self, work: Work[T]) -> T:
        with told(self.place), self._readers.connect() as connection:
            return work(connection)

    def _write(self, work: Work[T]) -> T:
        with told(self.place), self._writer.begin() as connection:
            return work(connection)

    def _close(self) -> None:
        for threads, engine in ((self._reading, self._readers), (self._writing, self._writer)):
            threads.shutdown()
            engine.dispose()


def _engine(url: URL, size: int) -> Engine:
    engine = create_engine(
        url,
        # Python's own transactions would begin too late.
        connect_args={"isolation_level": None, "check_same_thread": False, "timeout": _BUSY},
        pool_size=size,
        max_overflow=0,
        pool_reset_on_return=None,
        hide_parameters=True,
    )
    event.listen(engine, "connect", _set_up)
    return engine


def _write_ahead(file: sqlite3.Connection) -> None:
    """Let others read while one writes, from the first time on. SQLite itself does not wait for this."""
    until = time.monotonic() + _BUSY
    while True:
        try:
            if file.execute("PRAGMA journal_mode").fetchone() != ("wal",):
                file.execute("PRAGMA auto_vacuum=INCREMENTAL")
                file.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        else:
            return


def _set_up(connection: Any, _record: object) -> None:
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    """Take the right to write at once: who has read first is refused it, where another has written meanwhile."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
