"""Reads runs out of their tables, and keeps new ones. Knows nothing of what runs say."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Delete, Insert, LargeBinary, Row, delete, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import Table

from .base import Batch, News, Status, StoredRun
from .tables import batches, runs

T = TypeVar("T")

_FIELDS = [runs.c[name] for name in StoredRun.__struct_fields__]
_BODILESS = [literal(b"", LargeBinary).label("body") if field is runs.c.body else field for field in _FIELDS]
_LONGEST = 10_000
"""Runs of a conversation, at most."""
_MANY = 1000


def some(values: Iterable[T], size: int = _MANY) -> Iterator[list[T]]:
    """Give values in portions, each small enough for one query."""
    rest = iter(values)
    while portion := list(islice(rest, size)):
        yield portion


def keep(connection: AsyncConnection, table: Table, unique: Sequence[str]) -> Insert:
    """Say that rows are to be kept, but for those that are there."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing(index_elements=unique)
    return postgresql.insert(table).on_conflict_do_nothing(index_elements=unique)


def owned(key: str, owner: str | None) -> list[Any]:
    """Say whose run is meant; None stands for whoever's."""
    return [runs.c.key == key] if owner is None else [runs.c.key == key, runs.c.owner == owner]


async def begin(connection: AsyncConnection, run: StoredRun) -> StoredRun:
    """Keep a run, or give the one that has its idempotency key."""
    values = msgspec.structs.asdict(run)
    if run.idempotency_key is None:
        await connection.execute(insert(runs), values)
        return run
    statement = keep(connection, runs, ("owner", "idempotency_key"))
    same = select(*_FIELDS).where(runs.c.owner == run.owner, runs.c.idempotency_key == run.idempotency_key)
    while True:
        if (await connection.execute(statement, values)).rowcount:
            return run
        if found := (await connection.execute(same)).first():
            return _run(found)
        # It was deleted in between.


async def one(connection: AsyncConnection, key: str, owner: str | None) -> StoredRun | None:
    """Give a run."""
    found = (await connection.execute(select(*_FIELDS).where(*owned(key, owner)))).first()
    return None if found is None else _run(found)


async def history(connection: AsyncConnection, key: str, owner: str) -> list[StoredRun]:
    """Give a run and all that it goes on from, the oldest first."""
    chain = select(runs.c.id, runs.c.previous, literal(0).label("depth")).where(*owned(key, owner))
    behind = chain.cte(recursive=True)
    behind = behind.union_all(
        select(runs.c.id, runs.c.previous, behind.c.depth + 1).where(
            runs.c.key == behind.c.previous, runs.c.owner == owner, behind.c.depth < _LONGEST
        )
    )
    query = select(*_FIELDS).join(behind, runs.c.id == behind.c.id).order_by(behind.c.depth.desc())
    return [_run(row) for row in await connection.execute(query)]


async def next_batches(connection: AsyncConnection, key: str, first: int, limit: int) -> list[Batch]:
    """Give a run's next batches."""
    query = (
        select(batches.c.first, batches.c.data)
        .join(runs, runs.c.id == batches.c.run)
        .where(runs.c.key == key, batches.c.next > first)
        .order_by(batches.c.first)
        .limit(limit)
    )
    return [Batch(row.first, row.data) for row in await connection.execute(query)]


async def news(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, News]:
    """Tell how far some runs are."""
    last = select(batches.c.next).where(batches.c.run == runs.c.id).order_by(batches.c.first.desc()).limit(1)
    query = select(runs.c.key, runs.c.status, runs.c.ended, last.scalar_subquery().label("next"))
    told: dict[str, News] = {}
    for portion in some(keys):
        for row in await connection.execute(query.where(runs.c.key.in_(portion))):
            told[row.key] = News(row.next or 0, row.status, row.ended)
    return told


async def active_of(connection: AsyncConnection, workers: Sequence[str]) -> list[StoredRun]:
    """Give the active runs of some workers."""
    query = select(*_FIELDS).where(runs.c.ended.is_(None)).order_by(runs.c.id)
    found: list[StoredRun] = []
    for portion in some(workers):
        found += [_run(row) for row in await connection.execute(query.where(runs.c.worker.in_(portion)))]
    return found


async def newest(connection: AsyncConnection, limit: int, status: Status | None) -> list[StoredRun]:
    """Give the newest runs, without their bodies."""
    query = select(*_BODILESS).order_by(runs.c.id.desc()).limit(limit)
    if status is not None:
        query = query.where(runs.c.status == status)
    return [_run(row) for row in await connection.execute(query)]


async def forget(connection: AsyncConnection, key: str, owner: str | None) -> bool:
    """Delete a run, and what it said with it."""
    return await gone(connection, delete(runs).where(*owned(key, owner)))


async def gone(connection: AsyncConnection, statement: Delete) -> bool:
    """Delete, and tell whether there was anything."""
    return (await connection.execute(statement)).rowcount > 0


async def ask_to_cancel(connection: AsyncConnection, key: str) -> None:
    """Have an active run's worker told that nobody wants it."""
    await connection.execute(update(runs).where(runs.c.key == key, runs.c.ended.is_(None)).values(told=1))


def _run(row: Row[Any]) -> StoredRun:
    return StoredRun(**row._mapping)  # noqa: SLF001  # its public name for what it holds
