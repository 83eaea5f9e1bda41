"""Writes what runs say, many at once: the one thing that is done to a store many times a second."""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, select, update

from . import codec, talks
from .base import Append, Begin, Drop, End, StoredRun, Write
from .rows import keep, some
from .tables import batches, runs

_size = select(func.coalesce(func.sum(func.length(batches.c.data)), 0)).where(batches.c.run == bindparam("run"))
_end = (
    update(runs)
    .where(runs.c.id == bindparam("run"))
    .values(
        status=bindparam("how"),
        ended=bindparam("at"),
        told=bindparam("by_others"),
        size=_size.scalar_subquery() + func.length(runs.c.body),
    )
)
_known = (
    select(runs.c.id, runs.c.key, runs.c.worker, runs.c.status, runs.c.ended)
    .where(runs.c.key.in_(bindparam("its_keys", expanding=True)))
    .order_by(runs.c.id)  # in one order, or two processes wait for each other; SQLite has one that writes anyway
    .with_for_update()
)


def write(connection: Connection, writes: Sequence[Write], own: str) -> set[str]:
    """Write all that is of active runs, and give the keys of the others; `own` is the worker that does so."""
    _begin(connection, [one.run for one in writes if isinstance(one, Begin)])
    _drop(connection, [one.key for one in writes if isinstance(one, Drop)])
    found = _find(connection, [one for one in writes if isinstance(one, Append | End)])
    ends = {one.key: one for one in writes if isinstance(one, End)}
    active = {key: run for key, run in found.items() if run.ended is None}
    _append(connection, [one for one in writes if isinstance(one, Append)], active)
    ending = [
        {"run": run.id, "how": end.status, "at": end.ended, "by_others": None if run.worker == own else 1}
        for key, end in ends.items()
        if (run := active.get(key)) is not None
    ]
    if ending:
        connection.execute(_end, ending)
    more = [
        (end.conversation, end.items) for end in ends.values() if end.conversation is not None and end.key in active
    ]
    for talk, items in sorted(more, key=itemgetter(0)):  # in one order, as the runs
        talks.add(connection, talk, items)
    return {key for key in found if key not in active and not _is_done(found[key], ends.get(key))} | _lost(
        writes, found
    )


def _begin(connection: Connection, new: Sequence[StoredRun]) -> None:
    if new:
        # Those that are there already: nobody was told, since the connection was lost.
        connection.execute(keep(connection, runs, "key"), [msgspec.structs.asdict(run) for run in new])


def _drop(connection: Connection, keys: Sequence[str]) -> None:
    for portion in some(keys):
        connection.execute(delete(runs).where(runs.c.key.in_(portion)))


def _lost(writes: Sequence[Write], found: Mapping[str, Any]) -> set[str]:
    return {one.key for one in writes if isinstance(one, Append | End) and one.key not in found}


def _find(connection: Connection, writes: Sequence[Write]) -> dict[str, Any]:
    """Find the runs, and keep everybody else from ending them meanwhile."""
    found: dict[str, Any] = {}
    for keys in some(dict.fromkeys(one.key for one in writes)):
        found.update({run.key: run for run in connection.execute(_known, {"its_keys": keys})})
    return found


def _append(connection: Connection, appends: Sequence[Append], active: dict[str, Any]) -> None:
    rows = [
        {
            "run": active[one.key].id,
            "first": one.batch.first,
            "next": one.batch.first + codec.count(one.batch.data),
            "data": one.batch.data,
        }
        for one in appends
        if one.key in active
    ]
    if rows:
        # Those that are there already: nobody was told, since the connection was lost.
        connection.execute(keep(connection, batches, "run", "first"), rows)


def _is_done(run: Any, end: End | None) -> bool:
    """Tell whether this end is the one that the run has: it is written again, since nobody was told of the first."""
    return run is not None and end is not None and (run.status, run.ended) == (end.status, end.ended)
