"""What a run says, as the items of a response: takes what is said, and gives the events that tell of each change."""

from typing import TypeVar, assert_never

from mserve.events import (
    AudioDelta,
    Citation,
    Event,
    Finish,
    FinishReason,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from mserve.transcript import CUT, total

from .call import CallItem
from .event_schema import StreamEvent
from .message import MessageItem
from .place import Place
from .reply_schema import Item, ItemStatus
from .text import TextPart
from .thought import ThoughtItem

_Item = TypeVar("_Item", MessageItem, ThoughtItem, CallItem)


class Output:
    """The items of one response, in the order in which they began.

    A message, and a thought, is whole when something else begins. Calls may interleave: they are whole at the end.
    """

    def __init__(self, key: str, *, summarizes: bool, has_logprobs: bool) -> None:
        self.usage: Usage | None = None
        self.reason: FinishReason | None = None
        self._key = key
        self._summarizes = summarizes
        self._has_logprobs = has_logprobs
        self._items: list[MessageItem | ThoughtItem | CallItem] = []
        self._texts: list[TextPart] = []
        self._calls: dict[str, CallItem] = {}
        self._told: list[StreamEvent] = []

    @property
    def items(self) -> list[Item]:
        """What was said so far."""
        return [item.value for item in self._items]

    def say(self, event: Event) -> list[StreamEvent]:
        """Take the next event, and tell what changes by it."""
        self._take(event)
        told, self._told = self._told, []
        return told

    def go_on(self) -> tuple[list[StreamEvent], TextPart]:
        """Give the text that goes on, for whoever adds to it by himself, and what tells of it where it begins now."""
        text = self._text()
        told, self._told = self._told, []
        return told, text

    def break_off(self) -> list[Item]:
        """Give what was said of an answer that is none."""
        for item in self._items:
            if item.status == "in_progress":
                item.status = "incomplete"
        return self.items

    def _take(self, event: Event) -> None:  # noqa: C901  # one line for each kind of event
        match event:
            case TextDelta(text, tokens):
                if text or (tokens and self._has_logprobs):
                    self._tell(self._text().add(text, tokens))
            case RefusalDelta(text):
                self._told += self._message().refuse(text)
            case ReasoningDelta(text):
                self._tell(self._thought().add(text))
            case ToolCallStart():
                self._end_last()
                call = self._calls[event.id] = CallItem(self._place(), event)
                self._begin(call)
            case ToolCallDelta(call_id, arguments):
                self._tell(self._calls[call_id].add(arguments))
            case Citation():
                self._cite(event)
            case Usage():
                self.usage = total(self.usage, event)
            case Finish(reason):
                self.reason = reason
                self._finish("incomplete" if reason in CUT else "completed")
            case AudioDelta():
                pass  # a response has no place for sound
            case _:
                assert_never(event)

    def _text(self) -> TextPart:
        """Give the text that goes on, and begin one where none does."""
        last = self._items[-1] if self._items else None
        text = last.text if isinstance(last, MessageItem) and last.status == "in_progress" else None
        if text is None:
            text = TextPart(start=self._texts[-1].end if self._texts else 0, has_logprobs=self._has_logprobs)
            self._texts.append(text)
            self._told += self._message().begin_part(text)
        return text

    def _message(self) -> MessageItem:
        last = self._items[-1] if self._items else None
        if isinstance(last, MessageItem) and last.status == "in_progress":
            return last
        self._end_last()
        return self._begin(MessageItem(self._place()))

    def _thought(self) -> ThoughtItem:
        last = self._items[-1] if self._items else None
        if isinstance(last, ThoughtItem) and last.status == "in_progress":
            return last
        self._end_last()
        return self._begin(ThoughtItem(self._place(), summarizes=self._summarizes))

    def _cite(self, citation: Citation) -> None:
        """Note a source where it belongs: at the text in which the part begins that is from there."""
        if not self._texts or citation.start >= self._texts[-1].end:
            self._text()  # its words are still to come
        text = next(text for text in reversed(self._texts) if text.start <= citation.start)
        self._told += text.cite(citation)

    def _end_last(self) -> None:
        """End a message or a thought, since something else begins; calls go on beside one another."""
        last = self._items[-1] if self._items else None
        if last is not None and not isinstance(last, CallItem) and last.status == "in_progress":
            self._told += last.finish("completed")

    def _finish(self, status: ItemStatus) -> None:
        for item in self._items:
            if item.status == "in_progress":
                self._told += item.finish(status)

    def _begin(self, item: _Item) -> _Item:
        self._items.append(item)
        self._told += item.begin()
        return item

    def _tell(self, event: StreamEvent) -> None:
        self._told.append(event)

    def _place(self) -> Place:
        return Place(self._key, len(self._items))
