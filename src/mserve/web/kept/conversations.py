"""Answers for conversations: lists of items that clients keep here, and that their requests belong to."""

import time
from collections.abc import Iterator, Mapping
from itertools import count

from starlette.datastructures import QueryParams
from starlette.types import Receive, Scope, Send

from mserve.errors import ClientError
from mserve.options import Options
from mserve.protocols import responses
from mserve.protocols.responses import conversations as wire
from mserve.store.base import StoredConversation, StoredItem
from mserve.web.body import check_headers, read_body
from mserve.web.caller import owner_of
from mserve.web.record import new_key
from mserve.web.replies import send_json
from mserve.web.structure import check_structure

from .keeper import Desk, Keeper


class Conversations:
    """The endpoints of conversations. To all but who made one, it does not exist."""

    def __init__(self, keeper: Keeper, options: Options) -> None:
        self._keeper = keeper
        self._options = options

    async def create(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Make a conversation."""
        items, metadata = wire.decode_new(await self._body(scope, receive), _names())
        desk = await self._keeper.desk()
        made = StoredConversation(key=new_key(), owner=owner_of(scope), created=int(time.time()), metadata=metadata)
        await desk.store.make_conversation(made, _stored(items))
        await send_json(send, wire.encode(made.key, made.created, made.metadata))

    async def retrieve(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Describe a conversation."""
        _, found = await self._find(scope)
        await send_json(send, wire.encode(found.key, found.created, found.metadata))

    async def update(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note something else on a conversation."""
        metadata = wire.decode_change(await self._body(scope, receive))
        desk, found = await self._find(scope)
        await desk.store.update_conversation(found.key, found.owner, metadata)
        await send_json(send, wire.encode(found.key, found.created, metadata))

    async def delete(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Forget a conversation; the answers in it stay."""
        desk, found = await self._find(scope)
        await desk.store.delete_conversation(found.key, found.owner)
        name = f"{wire.PREFIX}{found.key}"
        await send_json(send, responses.encode_deleted(name, "conversation.deleted"))

    async def add(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add items to the end."""
        items = wire.decode_items(await self._body(scope, receive), _names())
        desk, found = await self._find(scope)
        await desk.store.add_items(found.key, _stored(items))
        page = responses.Page(limit=max(1, len(items)), newest_first=False)
        await send_json(send, responses.encode_items(items, page))

    async def items(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """List the items."""
        page = responses.page_of(dict(QueryParams(scope["query_string"])))
        desk, found = await self._find(scope)
        items = [item.value for item in await desk.store.items(found.key)]
        await send_json(send, responses.encode_items(items, page))

    async def item(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Give one item."""
        desk, found = await self._find(scope)
        name = scope["path_params"]["item"]
        for item in await desk.store.items(found.key):
            if item.id == name:
                await send_json(send, wire.encode_item(item.value))
                return
        raise _no_item(name)

    async def take_out(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Take an item out, and describe the conversation."""
        desk, found = await self._find(scope)
        name = scope["path_params"]["item"]
        if not await desk.store.delete_item(found.key, name):
            raise _no_item(name)
        await send_json(send, wire.encode(found.key, found.created, found.metadata))

    async def _find(self, scope: Scope) -> tuple[Desk, StoredConversation]:
        name: str = scope["path_params"]["conversation"]
        desk = await self._keeper.desk()
        found = None
        if name.startswith(wire.PREFIX):
            found = await desk.store.conversation(name.removeprefix(wire.PREFIX), owner_of(scope))
        if found is None:
            raise ClientError(f"Conversation with id {name[:100]!r} not found.", 404, "not_found")
        return desk, found

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        sent: Mapping[bytes, bytes] = dict(reversed(scope["headers"]))
        limits = self._options.limits
        check_headers(sent, limits.max_body)
        body = await read_body(receive, limits.max_body)
        check_structure(body, limits)
        return body


def _names() -> Iterator[str]:
    """Draw names for new items."""
    key = new_key()
    return (f"{key}{number:04x}" for number in count())


def _stored(items: list[dict[str, object]]) -> list[StoredItem]:
    return [StoredItem(str(item["id"]), item) for item in items]


def _no_item(name: str) -> ClientError:
    return ClientError(f"Item with id {name[:100]!r} not found in this conversation.", 404, "not_found")
