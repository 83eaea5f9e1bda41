"""Lists of items, and what is told of a response that was deleted."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from mserve.errors import ClientError

_MOST = 100
_LIMITS = frozenset(map(str, range(1, _MOST + 1)))


class ItemList(Struct, frozen=True, kw_only=True):
    """A page of a list."""

    object: Literal["list"] = "list"
    data: Sequence[dict[str, Any]]
    first_id: str | None
    last_id: str | None
    has_more: bool


class Deleted(Struct, frozen=True, kw_only=True):
    """What is gone."""

    id: str
    object: str
    deleted: Literal[True] = True


class Page(Struct, frozen=True, kw_only=True):
    """Which part of a list is wanted."""

    limit: int = 20
    newest_first: bool = True
    after: str | None = None


def page_of(query: dict[str, str]) -> Page:
    """Read what a client wants of a list; `ClientError` naming the parameter that makes no sense."""
    limit, order = query.get("limit", "20"), query.get("order", "desc")
    if limit not in _LIMITS:
        raise ClientError(f"limit: expected a number from 1 to {_MOST}.", param="limit")
    if order not in ("asc", "desc"):
        raise ClientError("order: expected asc or desc.", param="order")
    return Page(limit=int(limit), newest_first=order == "desc", after=query.get("after"))


def encode_items(items: Sequence[dict[str, Any]], page: Page) -> bytes:
    """Give the body of a page of items, of which the oldest comes first here; `ClientError` where `after` is none."""
    wanted = [*reversed(items)] if page.newest_first else [*items]
    if page.after is not None:
        places = [number for number, item in enumerate(wanted) if item["id"] == page.after]
        if not places:
            raise ClientError(f"after: there is no item {page.after!r} in this list.", param="after")
        wanted = wanted[places[0] + 1 :]
    shown = wanted[: page.limit]
    return msgspec.json.encode(
        ItemList(
            data=shown,
            first_id=shown[0]["id"] if shown else None,
            last_id=shown[-1]["id"] if shown else None,
            has_more=len(wanted) > len(shown),
        )
    )


def encode_deleted(name: str, what: str) -> bytes:
    """Give the body that says that something is gone."""
    return msgspec.json.encode(Deleted(id=name, object=what))
