"""What a store asks of its database: transactions, in which all is done or nothing. Knows nothing of runs."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from .base import StoreError

T = TypeVar("T")
Work = Callable[[Connection], T]
_FAULTS = (SQLAlchemyError, sqlite3.Error, OSError)


class Database(Protocol):
    """Does work that is written for a connection, away from the event loop's other tasks."""

    place: str
    """Where it is, for the operator: without a password."""

    async def open(self) -> None:
        """Make what has to be there before anything can be asked."""
        ...

    async def close(self) -> None:
        """Let what is going on end, and let go of all connections."""
        ...

    async def read(self, work: Work[T]) -> T:
        """Do what one query is enough for."""
        ...

    async def write(self, work: Work[T]) -> T:
        """Do something in a transaction: all of it, or with an error nothing. It ends even where nobody waits."""
        ...


@contextmanager
def told(place: str) -> Iterator[None]:
    """Say what went wrong in the operator's words: without a statement, a client's data or a password."""
    try:
        yield
    except _FAULTS as error:
        cause: BaseException = (error.orig or error) if isinstance(error, DBAPIError) else error
        words = (isinstance(cause, OSError) and cause.strerror) or str(cause).partition("\n")[0] or type(cause).__name__
        raise StoreError(f"the store {place}: {words.rpartition('>: ')[2]}") from error


def clock(connection: Connection) -> float:
    """Give the time that all who use a database agree on, in seconds since 1970."""
    if connection.dialect.name == "sqlite":
        return time.time()
    return float(connection.scalars(select(func.extract("epoch", func.clock_timestamp()))).one())
