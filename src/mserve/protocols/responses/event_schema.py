"""The types of a stream's events, each named by its `type` and numbered by its `sequence_number`."""

from msgspec import Struct

from .reply_schema import Item, Part, Response, SummaryText, TokenLogprob, UrlCitation


class StreamEvent(Struct, kw_only=True, tag_field="type"):
    """An event of a stream; it gets its number when it is sent."""

    sequence_number: int = 0


class Created(StreamEvent, tag="response.created"):
    """A response begins."""

    response: Response


class InProgress(StreamEvent, tag="response.in_progress"):
    """Its program has been asked."""

    response: Response


class Completed(StreamEvent, tag="response.completed"):
    """It is whole."""

    response: Response


class Incomplete(StreamEvent, tag="response.incomplete"):
    """It was cut."""

    response: Response


class Failed(StreamEvent, tag="response.failed"):
    """There is no answer."""

    response: Response


class BrokenOff(StreamEvent, tag="error"):
    """The stream ends here, and the response does not. It has the number of the last event that was told."""

    code: str | None
    message: str
    param: str | None


class ItemAdded(StreamEvent, tag="response.output_item.added"):
    """An item begins."""

    output_index: int
    item: Item


class ItemDone(StreamEvent, tag="response.output_item.done"):
    """An item is whole."""

    output_index: int
    item: Item


class OfItem(StreamEvent):
    """Something of an item."""

    item_id: str
    output_index: int


class PartAdded(OfItem, tag="response.content_part.added"):
    """A part of an item begins."""

    content_index: int
    part: Part


class PartDone(OfItem, tag="response.content_part.done"):
    """A part of an item is whole."""

    content_index: int
    part: Part


class DeltaLogprob(Struct, frozen=True):
    """A token, as a piece of a text has it."""

    token: str
    logprob: float
    top_logprobs: list["DeltaLogprob"] = []


class TextPiece(OfItem, tag="response.output_text.delta"):
    """The next piece of a text."""

    content_index: int
    delta: str
    logprobs: list[DeltaLogprob]


class TextDone(OfItem, tag="response.output_text.done"):
    """A text is whole."""

    content_index: int
    text: str
    logprobs: list[TokenLogprob]


class AnnotationAdded(OfItem, tag="response.output_text.annotation.added"):
    """A text has a source."""

    content_index: int
    annotation_index: int
    annotation: UrlCitation


class RefusalPiece(OfItem, tag="response.refusal.delta"):
    """The next piece of a refusal."""

    content_index: int
    delta: str


class RefusalDone(OfItem, tag="response.refusal.done"):
    """A refusal is whole."""

    content_index: int
    refusal: str


class ReasoningPiece(OfItem, tag="response.reasoning_text.delta"):
    """The next piece of a thought."""

    content_index: int
    delta: str


class ReasoningDone(OfItem, tag="response.reasoning_text.done"):
    """A thought is whole."""

    content_index: int
    text: str


class SummaryAdded(OfItem, tag="response.reasoning_summary_part.added"):
    """A thought begins."""

    summary_index: int
    part: SummaryText


class SummaryPiece(OfItem, tag="response.reasoning_summary_text.delta"):
    """The next piece of a thought."""

    summary_index: int
    delta: str


class SummaryDone(OfItem, tag="response.reasoning_summary_text.done"):
    """A thought is whole."""

    summary_index: int
    text: str


class SummaryPartDone(OfItem, tag="response.reasoning_summary_part.done"):
    """The same, for clients that wait for this one."""

    summary_index: int
    part: SummaryText


class ArgumentsPiece(OfItem, tag="response.function_call_arguments.delta"):
    """The next piece of a call's arguments."""

    delta: str


class ArgumentsDone(OfItem, tag="response.function_call_arguments.done"):
    """A call's arguments are whole."""

    name: str
    arguments: str


class InputPiece(OfItem, tag="response.custom_tool_call_input.delta"):
    """The next piece of a custom tool's input."""

    delta: str


class InputDone(OfItem, tag="response.custom_tool_call_input.done"):
    """A custom tool's input is whole."""

    input: str


ResponseEvent = (
    Created
    | InProgress
    | Completed
    | Incomplete
    | Failed
    | BrokenOff
    | ItemAdded
    | ItemDone
    | PartAdded
    | PartDone
    | TextPiece
    | TextDone
    | AnnotationAdded
    | RefusalPiece
    | RefusalDone
    | ReasoningPiece
    | ReasoningDone
    | SummaryAdded
    | SummaryPiece
    | SummaryDone
    | SummaryPartDone
    | ArgumentsPiece
    | ArgumentsDone
    | InputPiece
    | InputDone
)
