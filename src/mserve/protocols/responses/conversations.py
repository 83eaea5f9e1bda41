"""`/v1/conversations`: what clients send and get of a conversation that the server keeps. Keeps nothing itself."""

from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from msgspec import Struct

from mserve.errors import ClientError
from mserve.protocols.base import check_count, decode_object
from mserve.protocols.misfit import checked

from .items import Item, kind, listed
from .request_schema import InputItem, as_checked

PREFIX = "conv_"

_MOST_AT_ONCE = 20
"""Items that OpenAI's API takes in one request."""


class NewConversation(Struct, frozen=True):
    """A conversation to be made."""

    items: list[InputItem] | None = None
    metadata: dict[str, str] | None = None


class ChangedConversation(Struct, frozen=True):
    """What is to be noted on a conversation from now on."""

    metadata: dict[str, str] | None


class NewItems(Struct, frozen=True):
    """Items to be added."""

    items: list[InputItem]


class Conversation(Struct, frozen=True, kw_only=True):
    """A conversation, without its items."""

    id: str
    object: Literal["conversation"] = "conversation"
    created_at: int
    metadata: dict[str, str]


def decode_new(body: bytes, ids: Iterator[str]) -> tuple[list[Item], dict[str, str]]:
    """Read a conversation to be made: its first items, and what is noted on it."""
    sent = decode_object(body)
    check_count(sent, "items", _MOST_AT_ONCE)
    wanted = checked(as_checked(sent), NewConversation)
    return _items(sent.get("items") or [], ids), wanted.metadata or {}


def decode_change(body: bytes) -> dict[str, str]:
    """Read what is to be noted on a conversation."""
    return checked(decode_object(body), ChangedConversation).metadata or {}


def decode_items(body: bytes, ids: Iterator[str]) -> list[Item]:
    """Read items to be added."""
    sent = decode_object(body)
    check_count(sent, "items", _MOST_AT_ONCE)
    checked(as_checked(sent), NewItems)
    return _items(sent["items"], ids)


def encode(key: str, created: int, metadata: dict[str, str]) -> bytes:
    """Give the body that describes a conversation."""
    return msgspec.json.encode(Conversation(id=f"{PREFIX}{key}", created_at=created, metadata=metadata))


def encode_item(item: Item) -> bytes:
    """Give the body that is one item."""
    return msgspec.json.encode(item)


def _items(sent: list[Any], ids: Iterator[str]) -> list[Item]:
    if any(kind(item) == "item_reference" for item in sent):
        raise ClientError("items: a conversation is made of items themselves, not of references.", param="items")
    return listed(sent, ids)
