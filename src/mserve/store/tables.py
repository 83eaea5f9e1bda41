"""The tables of a store, the same in every database. Names what is kept; never reads or writes it."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

VERSION = 1
"""Of the tables; a store whose tables are newer than that is not touched."""


class Words(TypeDecorator[str]):
    """Text of any origin. What some database cannot hold, NUL and lone surrogates, becomes U+FFFD."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002  # its signature
        """Give what can be kept."""
        if value is None or (value.isascii() and "\0" not in value):
            return value
        return value.replace("\0", "\ufffd").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


metadata = MetaData()
_Number = BigInteger().with_variant(Integer, "sqlite")  # else SQLite counts no rows by it


def _id() -> Column[Any]:
    return Column("id", _Number, primary_key=True, autoincrement=True)


def _of(table: str) -> ForeignKey:
    return ForeignKey(f"{table}.id", ondelete="CASCADE")


versions = Table("mserve_version", metadata, Column("version", Integer, primary_key=True, autoincrement=False))

runs = Table(
    "mserve_runs",
    metadata,
    _id(),
    Column("key", Words, nullable=False, unique=True),
    Column("owner", Words, nullable=False),
    Column("endpoint", Words, nullable=False),
    Column("program", Words, nullable=False),
    Column("model", Words, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("worker", Words, nullable=False),
    Column("previous", Words),
    Column("conversation", Words),
    Column("idempotency_key", Words),
    Column("fingerprint", LargeBinary),
    Column("status", Words, nullable=False),
    Column("ended", BigInteger),  # NULL as long as it is active: indexes know an active run by that
    Column("told", Integer),  # not NULL: its worker shall hear that nobody wants it, or that others have ended it
    Column("size", BigInteger, nullable=False, default=0),  # bytes, once it has ended
    Column("body", LargeBinary, nullable=False),  # the last, since what lies behind a long one is slow to reach
    UniqueConstraint("owner", "idempotency_key"),
)
Index("mserve_runs_ended", runs.c.ended)
Index("mserve_runs_active", runs.c.worker, sqlite_where=runs.c.ended.is_(None), postgresql_where=runs.c.ended.is_(None))
Index(
    "mserve_runs_told", runs.c.worker, sqlite_where=runs.c.told.is_not(None), postgresql_where=runs.c.told.is_not(None)
)

batches = Table(
    "mserve_batches",
    metadata,
    Column("run", _Number, _of("mserve_runs"), primary_key=True, autoincrement=False),
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("next", BigInteger, nullable=False),  # the number behind its last event
    Column("data", LargeBinary, nullable=False),
)

workers = Table(
    "mserve_workers",
    metadata,
    Column("name", Words, primary_key=True),
    Column("host", Words, nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("seen", Float(53), nullable=False),
)

conversations = Table(
    "mserve_conversations",
    metadata,
    _id(),
    Column("key", Words, nullable=False, unique=True),
    Column("owner", Words, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("touched", BigInteger, nullable=False),
    Column("metadata", LargeBinary, nullable=False),
)
Index("mserve_conversations_touched", conversations.c.touched)

items = Table(
    "mserve_items",
    metadata,
    _id(),
    Column("conversation", _Number, _of("mserve_conversations"), nullable=False),
    Column("item", Words, nullable=False),
    Column("value", LargeBinary, nullable=False),
    UniqueConstraint("conversation", "item"),
)
