"""A tool's call on its way out."""

from collections.abc import Iterator

from mserve.events import ToolCallStart

from .event_schema import ArgumentsDone, ArgumentsPiece, InputDone, InputPiece, ItemAdded, ItemDone, StreamEvent
from .place import Place
from .reply_schema import CustomCall, FunctionCall, ItemStatus


class CallItem:
    """One call, of a function or of a custom tool."""

    def __init__(self, place: Place, call: ToolCallStart) -> None:
        self.status: ItemStatus = "in_progress"
        self._is_custom = call.type == "custom"
        self._id = place.id_of("ctc" if self._is_custom else "fc")
        self._number = place.number
        self._call = call
        self._pieces: list[str] = []

    @property
    def value(self) -> FunctionCall | CustomCall:
        """The call so far."""
        kind = CustomCall if self._is_custom else FunctionCall
        return kind(self._id, self._call.id, self._call.name, "".join(self._pieces), self.status)

    def begin(self) -> Iterator[StreamEvent]:
        """Tell of a call without arguments."""
        yield ItemAdded(output_index=self._number, item=self.value)

    def add(self, arguments: str) -> StreamEvent:
        """Take a piece of the arguments, and tell of it."""
        self._pieces.append(arguments)
        kind = InputPiece if self._is_custom else ArgumentsPiece
        return kind(item_id=self._id, output_index=self._number, delta=arguments)

    def finish(self, status: ItemStatus) -> Iterator[StreamEvent]:
        """Tell of the whole call."""
        text = "".join(self._pieces)
        if self._is_custom:
            yield InputDone(item_id=self._id, output_index=self._number, input=text)
        else:
            yield ArgumentsDone(item_id=self._id, output_index=self._number, name=self._call.name, arguments=text)
        self.status = status
        yield ItemDone(output_index=self._number, item=self.value)
