"""What an answer adds to the conversation that it belongs to: what was asked, and what was said. Writes nothing."""

from collections.abc import Sequence
from typing import Any

from mserve.protocols import responses
from mserve.protocols.base import Asked, Envelope
from mserve.runs.choices import Batch
from mserve.store.base import StoredItem


class Adding:
    """One answer's part of a conversation."""

    def __init__(self, conversation: str, asked: Sequence[dict[str, Any]], envelope: Envelope, reply: Asked) -> None:
        self.conversation = conversation
        self._asked = asked
        self._said = responses.whole(envelope, reply)

    def hear(self, batches: Sequence[Batch]) -> None:
        """Take what was said next."""
        for choice, events in batches:
            self._said.encode(choice, events)

    def items(self) -> tuple[StoredItem, ...]:
        """Give all of it, in its order."""
        return tuple(StoredItem(item["id"], item) for item in [*self._asked, *self._said.items])
