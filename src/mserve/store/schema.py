"""Makes the tables where there are none. Touches none that a newer version of ours has made."""

from sqlalchemy import Connection, func, insert, inspect, select

from .base import StoreError
from .tables import VERSION, metadata, versions

_LOCK = 0x6D7365727665
"""What PostgreSQL knows the making of our tables by."""


def prepare(connection: Connection) -> None:
    """Make the tables, or check that they are ours: one process after another, where several begin at once."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    if inspect(connection).has_table(versions.name):
        version = connection.scalar(select(func.max(versions.c.version)))
        if version != VERSION:
            raise StoreError(
                f"the store was made by another mserve: its tables are of version {version}, not {VERSION}"
            )
    else:
        metadata.create_all(connection)
        connection.execute(insert(versions), {"version": VERSION})
