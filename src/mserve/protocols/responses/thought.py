"""A thought on its way out: as it is, or as the summary that a client asked for."""

from collections.abc import Iterator

from msgspec import UNSET

from .event_schema import (
    ItemAdded,
    ItemDone,
    PartAdded,
    PartDone,
    ReasoningDone,
    ReasoningPiece,
    StreamEvent,
    SummaryAdded,
    SummaryDone,
    SummaryPartDone,
    SummaryPiece,
)
from .place import Place
from .reply_schema import ItemStatus, ReasoningItem, ReasoningText, SummaryText


class ThoughtItem:
    """One thought. OpenAI's own clients show summaries alone: who asks for one finds the thought there."""

    def __init__(self, place: Place, *, summarizes: bool) -> None:
        self.status: ItemStatus = "in_progress"
        self._id = place.id_of("rs")
        self._number = place.number
        self._summarizes = summarizes
        self._pieces: list[str] = []

    @property
    def value(self) -> ReasoningItem:
        """The thought so far."""
        text = "".join(self._pieces)
        if self._summarizes:
            return ReasoningItem(self._id, [SummaryText(text)] if text else [], self.status)
        return ReasoningItem(self._id, [], self.status, [ReasoningText(text)] if text else UNSET)

    def begin(self) -> Iterator[StreamEvent]:
        """Tell of a thought without a word."""
        yield ItemAdded(output_index=self._number, item=self.value)
        if self._summarizes:
            part = SummaryText("")
            yield SummaryAdded(item_id=self._id, output_index=self._number, summary_index=0, part=part)
        else:
            yield PartAdded(item_id=self._id, output_index=self._number, content_index=0, part=ReasoningText(""))

    def add(self, text: str) -> StreamEvent:
        """Take a piece, and tell of it."""
        self._pieces.append(text)
        if self._summarizes:
            return SummaryPiece(item_id=self._id, output_index=self._number, summary_index=0, delta=text)
        return ReasoningPiece(item_id=self._id, output_index=self._number, content_index=0, delta=text)

    def finish(self, status: ItemStatus) -> Iterator[StreamEvent]:
        """Tell of the whole thought."""
        text = "".join(self._pieces)
        if self._summarizes:
            yield SummaryDone(item_id=self._id, output_index=self._number, summary_index=0, text=text)
            part = SummaryText(text)
            yield SummaryPartDone(item_id=self._id, output_index=self._number, summary_index=0, part=part)
        else:
            yield ReasoningDone(item_id=self._id, output_index=self._number, content_index=0, text=text)
            yield PartDone(item_id=self._id, output_index=self._number, content_index=0, part=ReasoningText(text))
        self.status = status
        yield ItemDone(output_index=self._number, item=self.value)
