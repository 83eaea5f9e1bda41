"""Finds what came before a request: an earlier answer, a conversation, and items that the client means again."""

import asyncio
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from mserve.errors import ClientError
from mserve.options import Limits
from mserve.protocols import responses
from mserve.protocols.base import Asked
from mserve.protocols.responses.conversations import PREFIX
from mserve.store.base import StoredRun

from .keeper import Desk
from .records import asked_items, key_of, said_by

Item = dict[str, Any]

_PATIENCE = 5.0
"""Seconds that a request waits for the answer that it goes on from, where that is still on its way."""


class Past:
    """What one caller can look back on."""

    def __init__(self, desk: Desk, owner: str, limits: Limits) -> None:
        self._desk = desk
        self._owner = owner
        self._limits = limits

    async def complete(self, asked: Asked) -> Asked:
        """Give a request with all that it means; `ClientError` where something of it is not kept."""
        keeping = asked.keeping
        assert keeping is not None  # noqa: S101  # who looks back has one
        past: Sequence[Item] = ()
        if keeping.previous is not None:
            past = await self._answers(keeping.previous)
        elif keeping.conversation is not None:
            past = await self._conversation(keeping.conversation)
        known = {item["id"]: item for item in past}
        found = {name: known.get(name) or await self._item(name) for name in keeping.references}
        return responses.with_past(asked, past, found, self._limits)

    async def _answers(self, name: str) -> list[Item]:
        """Give an earlier conversation, answer by answer."""
        runs = await self._desk.store.history(key_of(name), self._owner, self._limits.max_body)
        if not runs:
            raise ClientError(
                f"Previous response with id {name[:100]!r} not found.",
                code="previous_response_not_found",
                param="previous_response_id",
            )
        if runs[0].previous is not None:
            raise ClientError(
                f"previous_response_id: the beginning of the conversation of {name[:100]!r} is not kept any more, "
                f"or all of it is larger than {self._limits.max_body} bytes.",
                code="previous_response_not_found",
                param="previous_response_id",
            )
        await self._is_whole(runs[-1], name)
        return [item for run in runs for item in await self._turn(run)]

    async def _is_whole(self, run: StoredRun, name: str) -> None:
        """Wait for an answer that is about to be whole."""
        if run.status != "active":
            return
        try:
            await asyncio.wait_for(self._desk.newsroom.news(run.key, sys.maxsize), _PATIENCE)
        except TimeoutError:
            raise ClientError(
                f"previous_response_id: {name!r} is not whole yet: wait for it, or cancel it.",
                409,
                "response_not_complete",
                "previous_response_id",
            ) from None

    async def _conversation(self, name: str) -> list[Item]:
        key = name.removeprefix(PREFIX)
        if not name.startswith(PREFIX) or await self._desk.store.conversation(key, self._owner) is None:
            raise ClientError(f"Conversation with id {name[:100]!r} not found.", 404, "not_found", "conversation")
        return [item.value for item in await self._desk.store.items(key)]

    async def _turn(self, run: StoredRun) -> list[Item]:
        """Give what a run was asked, and what it said."""
        asked = await self._resolved(asked_items(run, self._limits))
        return [*asked, *(await said_by(run, self._desk.store, self._limits)).items]

    async def _resolved(self, items: Iterable[Item]) -> list[Item]:
        return [await self._item(item["id"]) if item["type"] == "item_reference" else item for item in items]

    async def _item(self, name: str) -> Item:
        """Find something that was said or asked earlier."""
        key = responses.key_of(name)
        run = None if key is None else await self._desk.store.run(key, self._owner)
        if run is not None:
            items = [*asked_items(run, self._limits), *(await said_by(run, self._desk.store, self._limits)).items]
            for item in items:
                if item["id"] == name and item["type"] != "item_reference":
                    return item
        raise ClientError(f"Item with id {name[:100]!r} not found.", 404, "not_found", "input")
