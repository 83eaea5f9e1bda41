"""What a program may say, and what a run says of it: values only, which import nothing of ours."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from msgspec import Struct

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


ToolType = Literal["function", "custom"]
KIND = "event"
"""What tells one event from another where they are written down: the name of its class."""


class Logprob(Struct, frozen=True, gc=False):
    """A token, and the natural logarithm of its probability; `bytes` is its UTF-8, where the text does not show it.

    `top_logprobs` are the likeliest tokens at this place, the likeliest first, themselves without any.
    """

    token: str
    logprob: float
    bytes: tuple[int, ...] | None = None
    top_logprobs: tuple["Logprob", ...] = ()


class TextDelta(Struct, frozen=True, gc=False, tag=True, tag_field=KIND):
    """The next piece of the answer. Pieces join without a separator; `""` says nothing.

    `logprobs` are those of the piece's tokens, for clients that ask for them: `Logprob`s, or what OpenAI's API has.
    """

    text: str
    logprobs: Sequence[Logprob | Any] = ()


class ReasoningDelta(Struct, frozen=True, gc=False, tag=True, tag_field=KIND):
    """The next piece of the model's reasoning, which clients show apart from the answer."""

    text: str


class RefusalDelta(Struct, frozen=True, gc=False, tag=True, tag_field=KIND):
    """The next piece of the model's refusal to answer, which clients show in the answer's place."""

    text: str


class ToolCallStart(Struct, frozen=True, gc=False, tag=True, tag_field=KIND):
    """The client shall call one of its tools. `id` is unique in the reply; the arguments follow in `ToolCallDelta`s.

    A `custom` tool takes a text as it is, and no JSON.
    """

    id: str
    name: str
    type: ToolType = "function"


class ToolCallDelta(Struct, frozen=True, gc=False, tag=True, tag_field=KIND):
    """The next piece of the arguments of the call `id`; all pieces together are one JSON object, or a custom input."""

    id: str
    arguments: str


class Citation(Struct, frozen=True, gc=False, tag=True, tag_field=KIND):
    """The web page that a part of the answer is from: the characters `start` to `end` of the text, `end` left out."""

    url: str
    title: str
    start: int
    end: int


class AudioDelta(Struct, frozen=True, gc=False, tag=True, tag_field=KIND):
    """The next piece of the spoken answer: raw bytes in the format that was asked for, and their transcript.

    `id` and `expires_at`, seconds since 1970, are for a program that knows a recording by its id in later messages;
    the first ones that are not None stand.
    """

    data: bytes = b""
    transcript: str = ""
    id: str | None = None
    expires_at: int | None = None


class Usage(Struct, frozen=True, gc=False, tag=True, tag_field=KIND):
    """Tokens that were spent, each `Usage` of a run adding to the last. The last two are parts of the first two.

    A program that does not know its tokens says no usage: a made-up number is worse than none.
    """

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0


class Finish(Struct, frozen=True, gc=False, tag=True, tag_field=KIND):
    """The answer ends, and why. A program that says none has finished with `stop`, or `tool_calls` where it called."""

    reason: FinishReason = "stop"


class Failure(Struct, frozen=True, gc=False, tag=True, tag_field=KIND):
    """The run failed: its last event, which the run alone says. Programs raise instead.

    `message` is meant for the client: it never holds the text of an exception that was not raised for clients.
    """

    status: int
    message: str
    code: str | None = None
    param: str | None = None


Event = (
    TextDelta | ReasoningDelta | RefusalDelta | ToolCallStart | ToolCallDelta | Citation | AudioDelta | Usage | Finish
)
RunEvent = Event | Failure
Said = str | RunEvent
"""What a log holds. A `str` is a `TextDelta` without log probabilities: nearly all that is ever said, and no object."""


def spelt_out(said: Iterable[Said]) -> list[RunEvent]:
    """Give the events of what a log holds."""
    return [TextDelta(one) if isinstance(one, str) else one for one in said]
