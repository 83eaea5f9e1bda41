"""Forgets what is too old or too much, and never what still goes on."""

from typing import Any

from sqlalchemy import Connection, Select, delete, exists, func, select, text

from .database import clock
from .rows import some
from .tables import batches, conversations, runs, workers

PORTION = 200
"""Runs that are forgotten in one transaction: who wants to write waits for no more."""
_DAY = 24 * 60 * 60
_PAGES = 1000
"""Of a file: so many are given back in one transaction."""


def overdue(connection: Connection, before: int | None, most_bytes: int | None) -> list[int]:
    """Find the runs to be forgotten, the oldest first."""
    found: dict[int, None] = {}
    if before is not None:
        old = select(runs.c.id).where(runs.c.ended < before).order_by(runs.c.ended, runs.c.id)
        found.update(dict.fromkeys(connection.scalars(old)))
    if most_bytes is not None:
        active = connection.scalar(_active_size()) or 0
        total = func.sum(runs.c.size).over(order_by=(runs.c.ended.desc(), runs.c.id.desc())).label("total")
        kept = select(runs.c.id, runs.c.ended, total).where(runs.c.ended.is_not(None)).subquery()
        many = select(kept.c.id).where(kept.c.total > most_bytes - active).order_by(kept.c.ended, kept.c.id)
        found.update(dict.fromkeys(connection.scalars(many)))
    return list(found)


def _active_size() -> Select[Any]:
    said = select(func.sum(func.length(batches.c.data))).where(batches.c.run == runs.c.id).scalar_subquery()
    return select(func.sum(func.length(runs.c.body) + func.coalesce(said, 0))).where(runs.c.ended.is_(None))


def forget(connection: Connection, found: list[int]) -> int:
    """Forget some runs; one that somebody else has forgotten meanwhile is not counted."""
    gone = 0
    for portion in some(found):
        gone += connection.execute(delete(runs).where(runs.c.id.in_(portion))).rowcount
    return gone


def forget_others(connection: Connection, before: int | None) -> None:
    """Forget conversations that nobody has touched since, and workers that have been silent for a day."""
    if before is not None:
        goes_on = exists().where(runs.c.conversation == conversations.c.key, runs.c.ended.is_(None))
        connection.execute(delete(conversations).where(conversations.c.touched < before, ~goes_on))
    runs_on = exists().where(runs.c.worker == workers.c.name, runs.c.ended.is_(None))
    silent = workers.c.seen < clock(connection) - _DAY
    connection.execute(delete(workers).where(silent, ~runs_on))


def shrink(connection: Connection) -> bool:
    """Give a piece of a SQLite file back where much of it is free; tell whether there may be more."""
    if connection.dialect.name != "sqlite":
        return False
    free = connection.scalar(text("PRAGMA freelist_count")) or 0
    pages = connection.scalar(text("PRAGMA page_count")) or 0
    if free < _PAGES or free * 4 < pages:
        return False
    # Page by page, as rows without a column: what is above the driver takes the first for the last.
    raw: Any = connection.connection.driver_connection
    raw.execute(f"PRAGMA incremental_vacuum({_PAGES})").fetchall()
    return (connection.scalar(text("PRAGMA freelist_count")) or 0) < free  # not so in a file that others have made
