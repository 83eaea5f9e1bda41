"""A refusal on its way out: what stands in a text's place."""

from collections.abc import Iterator

from .event_schema import PartAdded, PartDone, RefusalDone, RefusalPiece, StreamEvent
from .place import PartPlace
from .reply_schema import Refusal


class RefusalPart:
    """One refusal."""

    def __init__(self) -> None:
        self._at = PartPlace("", 0, 0)
        self._pieces: list[str] = []

    @property
    def value(self) -> Refusal:
        """What was said so far."""
        return Refusal("".join(self._pieces))

    def begin(self, at: PartPlace) -> Iterator[StreamEvent]:
        """Tell of a refusal that has no word yet."""
        self._at = at
        yield PartAdded(
            item_id=at.item_id, output_index=at.output_index, content_index=at.content_index, part=Refusal("")
        )

    def add(self, text: str) -> RefusalPiece:
        """Take a piece, and tell of it."""
        self._pieces.append(text)
        at = self._at
        return RefusalPiece(
            item_id=at.item_id, output_index=at.output_index, content_index=at.content_index, delta=text
        )

    def finish(self) -> Iterator[StreamEvent]:
        """Tell of the whole."""
        at, value = self._at, self.value
        yield RefusalDone(
            item_id=at.item_id,
            output_index=at.output_index,
            content_index=at.content_index,
            refusal=value.refusal,
        )
        yield PartDone(item_id=at.item_id, output_index=at.output_index, content_index=at.content_index, part=value)
