"""What a program may say, and what a run says of it: values only, which import nothing of ours."""

from typing import Literal

from msgspec import Struct

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


class TextDelta(Struct, frozen=True, gc=False):
    """The next piece of the answer. Pieces join without a separator; `""` says nothing."""

    text: str


class ReasoningDelta(Struct, frozen=True, gc=False):
    """The next piece of the model's reasoning, which clients show apart from the answer."""

    text: str


class ToolCallStart(Struct, frozen=True, gc=False):
    """The client shall call one of its tools. `id` is unique in the reply; the arguments follow in `ToolCallDelta`s."""

    id: str
    name: str


class ToolCallDelta(Struct, frozen=True, gc=False):
    """The next piece of the arguments of the call `id`; all pieces together are one JSON object."""

    id: str
    arguments: str


class Usage(Struct, frozen=True, gc=False):
    """Tokens that were spent, each `Usage` of a run adding to the last. The last two are parts of the first two.

    A program that does not know its tokens says no usage: a made-up number is worse than none.
    """

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0


class Finish(Struct, frozen=True, gc=False):
    """The answer ends, and why. A program that says none has finished with `stop`, or `tool_calls` where it called."""

    reason: FinishReason = "stop"


class Failure(Struct, frozen=True, gc=False):
    """The run failed: its last event, which the run alone says. Programs raise instead.

    `message` is meant for the client: it never holds the text of an exception that was not raised for clients.
    """

    status: int
    message: str
    code: str | None = None
    param: str | None = None


Event = TextDelta | ReasoningDelta | ToolCallStart | ToolCallDelta | Usage | Finish
RunEvent = Event | Failure
