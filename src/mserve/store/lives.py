"""Notes which workers live, tells them what becomes of their runs, and finds the runs of those that do not."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, func, select, update

from .base import StoredRun, Worker
from .database import clock
from .rows import active_of, into
from .tables import runs, workers


def beat(connection: Connection, worker: Worker) -> list[str]:
    """Note that a worker lives, and give what it has to be told."""
    now = clock(connection)
    row = {"name": worker.name, "host": worker.host, "pid": worker.pid, "seen": now}
    statement = into(connection.dialect.name, workers).on_conflict_do_update(
        index_elements=["name"], set_={"seen": now}
    )
    connection.execute(statement, row)
    ours = (runs.c.worker == worker.name, runs.c.told.is_not(None))
    told = connection.execute(select(runs.c.key, runs.c.ended).where(*ours)).all()
    if any(run.ended is not None for run in told):
        connection.execute(update(runs).where(*ours, runs.c.ended.is_not(None)).values(told=None))
    return [run.key for run in told]


def orphans(connection: Connection, worker: Worker, silent: float, is_gone: Callable[[int], bool]) -> list[StoredRun]:
    """Give the active runs of other workers that are dead."""
    before = clock(connection) - silent
    query = (
        select(runs.c.worker, workers.c.host, workers.c.pid, workers.c.seen, func.max(runs.c.created).label("made"))
        .outerjoin(workers, workers.c.name == runs.c.worker)
        .where(runs.c.ended.is_(None), runs.c.worker != worker.name)
        .group_by(runs.c.worker, workers.c.host, workers.c.pid, workers.c.seen)
    )
    others = connection.execute(query).all()
    return active_of(connection, [one.worker for one in others if _is_dead(one, worker, before, is_gone)])


def _is_dead(other: Any, worker: Worker, before: float, is_gone: Callable[[int], bool]) -> bool:
    if other.seen is None:  # it may not have come to it yet
        return bool(other.made < before)
    return bool(other.seen < before) or (other.host == worker.host and is_gone(other.pid))
