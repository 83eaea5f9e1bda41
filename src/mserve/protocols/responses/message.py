"""A message on its way out: texts and refusals, one after the other."""

from collections.abc import Iterator

from .event_schema import ItemAdded, ItemDone, StreamEvent
from .place import PartPlace, Place
from .refusal import RefusalPart
from .reply_schema import ItemStatus, Message
from .text import TextPart


class MessageItem:
    """One message. Its last part goes on until another begins."""

    def __init__(self, place: Place) -> None:
        self.status: ItemStatus = "in_progress"
        self._id = place.id_of("msg")
        self._number = place.number
        self._parts: list[TextPart | RefusalPart] = []

    @property
    def value(self) -> Message:
        """The message so far."""
        return Message(self._id, self.status, [part.value for part in self._parts])

    @property
    def text(self) -> TextPart | None:
        """The text that goes on, if one does."""
        last = self._parts[-1] if self._parts else None
        return last if isinstance(last, TextPart) else None

    def begin(self) -> Iterator[StreamEvent]:
        """Tell of a message without a word."""
        yield ItemAdded(output_index=self._number, item=self.value)

    def begin_part(self, part: TextPart | RefusalPart) -> Iterator[StreamEvent]:
        """Begin another part, and tell of it."""
        yield from self._end_part()
        yield from part.begin(PartPlace(self._id, self._number, len(self._parts)))
        self._parts.append(part)

    def refuse(self, text: str) -> Iterator[StreamEvent]:
        """Take a piece of a refusal, and tell of it."""
        last = self._parts[-1] if self._parts else None
        if not isinstance(last, RefusalPart):
            last = RefusalPart()
            yield from self.begin_part(last)
        yield last.add(text)

    def finish(self, status: ItemStatus) -> Iterator[StreamEvent]:
        """Tell of the whole message."""
        yield from self._end_part()
        self.status = status
        yield ItemDone(output_index=self._number, item=self.value)

    def _end_part(self) -> Iterator[StreamEvent]:
        if self._parts:
            yield from self._parts[-1].finish()
