"""Keeps conversations that clients add to. Knows nothing of what an item says."""

import time
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from .base import StoredConversation, StoredItem
from .rows import gone, keep
from .tables import conversations, items

_encode = msgspec.json.encode
_metadata = msgspec.json.Decoder(dict[str, str])
_value = msgspec.json.Decoder(dict[str, Any])


def make(connection: Connection, talk: StoredConversation, first: Sequence[StoredItem]) -> None:
    """Keep a new conversation."""
    values = msgspec.structs.asdict(talk) | {"metadata": _encode(talk.metadata), "touched": _now()}
    connection.execute(insert(conversations), values)
    add(connection, talk.key, first)


def one(connection: Connection, key: str, owner: str) -> StoredConversation | None:
    """Give a conversation."""
    found = connection.execute(select(conversations).where(*_owned(key, owner))).first()
    if found is None:
        return None
    metadata = _metadata.decode(found.metadata)
    return StoredConversation(key=found.key, owner=found.owner, created=found.created, metadata=metadata)


def note(connection: Connection, key: str, owner: str, metadata: dict[str, str]) -> bool:
    """Replace what is noted on a conversation."""
    changed = update(conversations).where(*_owned(key, owner)).values(metadata=_encode(metadata), touched=_now())
    return connection.execute(changed).rowcount > 0


def forget(connection: Connection, key: str, owner: str) -> bool:
    """Forget a conversation and its items."""
    return gone(connection, delete(conversations).where(*_owned(key, owner)))


def add(connection: Connection, key: str, more: Sequence[StoredItem]) -> None:
    """Add items to the end."""
    touched = update(conversations).where(conversations.c.key == key).values(touched=_now())
    connection.execute(touched)  # which keeps it from going, and others from adding in between
    talk = connection.scalar(select(conversations.c.id).where(conversations.c.key == key))
    if talk is not None and more:
        rows = [{"conversation": talk, "item": item.id, "value": _encode(item.value)} for item in more]
        connection.execute(keep(connection, items, "conversation", "item"), rows)


def all_items(connection: Connection, key: str) -> list[StoredItem]:
    """Give all items, the oldest first."""
    query = select(items.c.item, items.c.value).join(conversations).where(conversations.c.key == key)
    return [StoredItem(row.item, _value.decode(row.value)) for row in connection.execute(query.order_by(items.c.id))]


def take_out(connection: Connection, key: str, item: str) -> bool:
    """Take an item out."""
    talk = select(conversations.c.id).where(conversations.c.key == key).scalar_subquery()
    return gone(connection, delete(items).where(items.c.conversation == talk, items.c.item == item))


def _owned(key: str, owner: str) -> list[Any]:
    return [conversations.c.key == key, conversations.c.owner == owner]


def _now() -> int:
    return int(time.time())
