"""The types of a reply, whole and in chunks. An absent optional field is left out: strict clients refuse a null."""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType, field

from mserve.events import FinishReason
from mserve.protocols.usage import TokenUsage

from .request_schema import FunctionCall

Reason = FinishReason | Literal["function_call"]


class TopLogprob(Struct, frozen=True):
    """One of the likeliest tokens at a place."""

    token: str
    logprob: float
    bytes: tuple[int, ...] | None


class TokenLogprob(Struct, frozen=True):
    """A token of the text, and what else might have stood there."""

    token: str
    logprob: float
    bytes: tuple[int, ...] | None
    top_logprobs: list[TopLogprob]


class ChoiceLogprobs(Struct, frozen=True):
    """The tokens of a text. OpenAI's document requires both keys."""

    content: list[TokenLogprob]
    refusal: None = None


class CustomCall(Struct, frozen=True):
    """What was called, with a text."""

    name: str
    input: str


class ReplyToolCall(Struct, frozen=True, kw_only=True, tag_field="type", tag="function"):
    """A function that the client shall call."""

    id: str
    function: FunctionCall


class ReplyCustomCall(Struct, frozen=True, kw_only=True, tag_field="type", tag="custom"):
    """A custom tool that the client shall call."""

    id: str
    custom: CustomCall


class UrlCitation(Struct, frozen=True):
    """A page, and the characters of the text that are from it."""

    start_index: int
    end_index: int
    url: str
    title: str


class Annotation(Struct, frozen=True, kw_only=True):
    """A note on a part of the text."""

    type: Literal["url_citation"] = "url_citation"
    url_citation: UrlCitation


class ReplyAudio(Struct, frozen=True, kw_only=True):
    """The spoken answer, in base64."""

    id: str
    expires_at: int
    data: str
    transcript: str


class ReplyMessage(Struct, frozen=True, kw_only=True):
    """What the program said. OpenAI's document requires `refusal`, null as it may be."""

    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: str | None = None
    reasoning_content: str | UnsetType = UNSET
    reasoning: str | UnsetType = UNSET
    tool_calls: list[ReplyToolCall | ReplyCustomCall] | UnsetType = UNSET
    function_call: FunctionCall | UnsetType = UNSET
    annotations: list[Annotation] | UnsetType = UNSET
    audio: ReplyAudio | UnsetType = UNSET


class Choice(Struct, frozen=True, kw_only=True):
    """One answer. OpenAI's document requires `logprobs`, null as it may be."""

    index: int
    message: ReplyMessage
    logprobs: ChoiceLogprobs | None = None
    finish_reason: Reason


class ChatCompletion(Struct, frozen=True, kw_only=True):
    """A whole reply."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    metadata: dict[str, str] | UnsetType = UNSET
    service_tier: str | UnsetType = UNSET
    usage: TokenUsage | UnsetType = UNSET


class FunctionDelta(Struct, frozen=True, kw_only=True):
    """A piece of a function's call."""

    name: str | UnsetType = UNSET
    arguments: str


class CustomDelta(Struct, frozen=True, kw_only=True):
    """A piece of a custom tool's call."""

    name: str | UnsetType = UNSET
    input: str


class ToolCallPiece(Struct, frozen=True, kw_only=True):
    """A piece of a call: `index` says of which; id, type and name come in its first piece only."""

    index: int
    id: str | UnsetType = UNSET
    type: Literal["function", "custom"] | UnsetType = UNSET
    function: FunctionDelta | UnsetType = UNSET
    custom: CustomDelta | UnsetType = UNSET


class AudioPiece(Struct, frozen=True, kw_only=True):
    """What a chunk adds to the spoken answer. All base64 joins to that of the whole; id and time come once."""

    id: str | UnsetType = UNSET
    data: str | UnsetType = UNSET
    transcript: str | UnsetType = UNSET
    expires_at: int | UnsetType = UNSET


class Delta(Struct, frozen=True, kw_only=True):
    """What a chunk adds to the message."""

    role: Literal["assistant"] | UnsetType = UNSET
    content: str | UnsetType = UNSET
    refusal: str | UnsetType = UNSET
    reasoning_content: str | UnsetType = UNSET
    reasoning: str | UnsetType = UNSET
    tool_calls: list[ToolCallPiece] | UnsetType = UNSET
    function_call: FunctionDelta | UnsetType = UNSET
    annotations: list[Annotation] | UnsetType = UNSET
    audio: AudioPiece | UnsetType = UNSET


class ChunkChoice(Struct, frozen=True, kw_only=True):
    """A chunk's share in one answer. `finish_reason` is null until the last."""

    index: int
    delta: Delta
    logprobs: ChoiceLogprobs | UnsetType = UNSET
    finish_reason: Reason | None = None


class ChatCompletionChunk(Struct, frozen=True, kw_only=True):
    """A frame's data."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    service_tier: str | UnsetType = UNSET
    choices: list[ChunkChoice] = field(default_factory=list)
    usage: TokenUsage | UnsetType = UNSET
