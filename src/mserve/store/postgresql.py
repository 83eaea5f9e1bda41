"""A database of PostgreSQL's, for runs that several machines share."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import create_async_engine

from .base import StoreError
from .database import T, Work, told

_CONNECT = 10.0
_ANSWER = 30.0
"""Seconds that PostgreSQL gets to be reached, and to answer."""


class Postgresql:
    """Does each piece of work on a connection of a pool."""

    def __init__(self, url: URL) -> None:
        host = url.query.get("host") or url.host or "this machine"
        self.place = f"{url.database or 'postgresql'} at {host}"
        try:
            self._engine = create_async_engine(
                url.set(drivername="postgresql+asyncpg"),
                connect_args={"timeout": _CONNECT, "command_timeout": _ANSWER},
                pool_pre_ping=True,  # a server that was started anew is met with new connections
                hide_parameters=True,
            )
        except ModuleNotFoundError as error:
            raise StoreError("a store in PostgreSQL needs a driver: pip install 'mserve[postgresql]'") from error
        self._single = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._going: set[asyncio.Future[Any]] = set()

    async def open(self) -> None:
        """Wait for the first connection: there is nothing to make."""

    async def close(self) -> None:
        """Let what is going on end, and let go of all connections."""
        await asyncio.gather(*self._going, return_exceptions=True)
        await self._engine.dispose()

    async def read(self, work: Work[T]) -> T:
        """Do what one query is enough for."""
        return await self._apart(self._read(work))

    async def write(self, work: Work[T]) -> T:
        """Do something in a transaction."""
        return await self._apart(self._write(work))

    async def _apart(self, doing: Coroutine[Any, Any, T]) -> T:
        """Let a transaction end even where nobody waits for it any more: half of one would hold up all others."""
        task = asyncio.ensure_future(doing)
        self._going.add(task)
        task.add_done_callback(self._going.discard)
        return await asyncio.shield(task)

    async def _read(self, work: Work[T]) -> T:
        with told(self.place):
            async with self._single.connect() as connection:
                return await connection.run_sync(work)

    async def _write(self, work: Work[T]) -> T:
        with told(self.place):
            async with self._engine.begin() as connection:
                return await connection.run_sync(work)
