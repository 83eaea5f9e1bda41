"""Reads runs out of their tables, and keeps new ones. Knows nothing of what runs say."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any, TypeVar

import msgspec
from sqlalchemy import (
    Connection,
    Delete,
    Insert,
    Integer,
    LargeBinary,
    Row,
    bindparam,
    delete,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import Table

from .base import Batch, News, Status, StoredRun
from .tables import batches, runs

T = TypeVar("T")

_FIELDS = [runs.c[name] for name in StoredRun.__struct_fields__]
_BODILESS = [literal(b"", LargeBinary).label("body") if field is runs.c.body else field for field in _FIELDS]
_ONE = select(*_FIELDS).where(runs.c.key == bindparam("its_key"))
_OWN = _ONE.where(runs.c.owner == bindparam("its_owner"))
_BATCHES = (
    select(batches.c.first, batches.c.data)
    .join(runs, runs.c.id == batches.c.run)
    .where(runs.c.key == bindparam("its_key"), batches.c.next > bindparam("since"))
    .order_by(batches.c.first)
    .limit(bindparam("most", type_=Integer))
)
_LAST = select(batches.c.next).where(batches.c.run == runs.c.id).order_by(batches.c.first.desc()).limit(1)
_NEWS = select(runs.c.key, runs.c.status, runs.c.ended, _LAST.scalar_subquery().label("next")).where(
    runs.c.key.in_(bindparam("its_keys", expanding=True))
)
_LONGEST = 10_000
"""Runs of a conversation, at most."""
_MANY = 1000
_LAST_NUMBER = 2**63 - 1
"""The largest that a database knows; clients may ask for any."""


def some(values: Iterable[T], size: int = _MANY) -> Iterator[list[T]]:
    """Give values in portions, each small enough for one query."""
    rest = iter(values)
    while portion := list(islice(rest, size)):
        yield portion


def keep(connection: Connection, table: Table, *unique: str) -> Insert:
    """Say that rows are to be kept, but for those that are there."""
    return _keep(connection.dialect.name, table, unique)


@cache  # here and in what stands above: to say what is wanted takes longer than to do it
def _keep(dialect: str, table: Table, unique: tuple[str, ...]) -> Insert:
    return into(dialect, table).on_conflict_do_nothing(index_elements=unique)


def into(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Say that rows are to be kept, in a way that can tell what to do about those that are there."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def owned(key: str, owner: str | None) -> list[Any]:
    """Say whose run is meant; None stands for whoever's."""
    return [runs.c.key == key] if owner is None else [runs.c.key == key, runs.c.owner == owner]


def begin(connection: Connection, run: StoredRun) -> StoredRun:
    """Keep a run, or give the one that has its idempotency key."""
    values = msgspec.structs.asdict(run)
    if run.idempotency_key is None:
        connection.execute(insert(runs), values)
        return run
    keys = ("owner", "idempotency_key")
    # Written over with itself, so that nobody can delete it before it is read.
    same = {"idempotency_key": run.idempotency_key}
    statement = into(connection.dialect.name, runs).on_conflict_do_update(index_elements=keys, set_=same)
    connection.execute(statement, values)
    query = select(*_FIELDS).where(runs.c.owner == run.owner, runs.c.idempotency_key == run.idempotency_key)
    return _run(connection.execute(query).one())


def one(connection: Connection, key: str, owner: str | None) -> StoredRun | None:
    """Give a run."""
    found = connection.execute(_ONE if owner is None else _OWN, {"its_key": key, "its_owner": owner}).first()
    return None if found is None else _run(found)


def history(connection: Connection, key: str, owner: str, most_bytes: int) -> list[StoredRun]:
    """Give a run and all that it goes on from, the oldest first, as far as it is not too much."""
    chain = select(runs.c.id, runs.c.previous, literal(0).label("depth"), runs.c.size.label("bytes"))
    behind = chain.where(*owned(key, owner)).cte(recursive=True)
    further = select(runs.c.id, runs.c.previous, behind.c.depth + 1, behind.c.bytes + runs.c.size)
    is_bearable = (behind.c.depth < _LONGEST) & (behind.c.bytes < most_bytes)
    behind = behind.union_all(further.where(runs.c.key == behind.c.previous, runs.c.owner == owner, is_bearable))
    query = select(*_FIELDS).join(behind, runs.c.id == behind.c.id).order_by(behind.c.depth.desc())
    return [_run(row) for row in connection.execute(query)]


def next_batches(connection: Connection, key: str, first: int, limit: int) -> list[Batch]:
    """Give a run's next batches."""
    found = connection.execute(_BATCHES, {"its_key": key, "since": min(first, _LAST_NUMBER), "most": limit})
    return [Batch(row.first, row.data) for row in found]


def news(connection: Connection, keys: Sequence[str]) -> dict[str, News]:
    """Tell how far some runs are."""
    told: dict[str, News] = {}
    for portion in some(keys):
        for row in connection.execute(_NEWS, {"its_keys": portion}):
            told[row.key] = News(row.next or 0, row.status, row.ended)
    return told


def active_of(connection: Connection, workers: Sequence[str]) -> list[StoredRun]:
    """Give the active runs of some workers."""
    query = select(*_FIELDS).where(runs.c.ended.is_(None)).order_by(runs.c.id)
    found: list[StoredRun] = []
    for portion in some(workers):
        found += [_run(row) for row in connection.execute(query.where(runs.c.worker.in_(portion)))]
    return found


def newest(connection: Connection, limit: int, status: Status | None) -> list[StoredRun]:
    """Give the newest runs, without their bodies."""
    query = select(*_BODILESS).order_by(runs.c.id.desc()).limit(limit)
    if status is not None:
        query = query.where(runs.c.status == status)
    return [_run(row) for row in connection.execute(query)]


def forget(connection: Connection, key: str, owner: str | None) -> bool:
    """Delete a run, and what it said with it."""
    return gone(connection, delete(runs).where(*owned(key, owner)))


def gone(connection: Connection, statement: Delete) -> bool:
    """Delete, and tell whether there was anything."""
    return connection.execute(statement).rowcount > 0


def ask_to_cancel(connection: Connection, key: str) -> None:
    """Have an active run's worker told that nobody wants it."""
    connection.execute(update(runs).where(runs.c.key == key, runs.c.ended.is_(None)).values(told=1))


def _run(row: Row[Any]) -> StoredRun:
    return StoredRun(**row._mapping)  # noqa: SLF001  # its public name for what it holds
