"""The types of chat completions, both ways. What they check is what is refused; unknown keys pass everywhere else."""

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType, field

from mserve.events import FinishReason
from mserve.request import Parameters

# ---- the request


class ImageUrl(Struct, frozen=True):
    """Where an image is: an address, or a data URI."""

    url: str


class InputAudio(Struct, frozen=True):
    """Base64 data and its format."""

    data: str
    format: str


class Part(Struct, frozen=True):
    """A part of a message's content. Types that this does not know pass, for the program to read."""

    type: str
    text: str | UnsetType = UNSET
    image_url: ImageUrl | UnsetType = UNSET
    input_audio: InputAudio | UnsetType = UNSET
    file: dict[str, Any] | UnsetType = UNSET
    refusal: str | UnsetType = UNSET


class FunctionCall(Struct, frozen=True):
    """What was called; `arguments` is JSON text."""

    name: str
    arguments: str


class ToolCall(Struct, frozen=True):
    """A call in an assistant's message."""

    id: str
    type: str = "function"
    function: FunctionCall | None = None
    custom: dict[str, Any] | None = None


class Message(Struct, frozen=True):
    """One message of the conversation."""

    role: Literal["developer", "system", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None
    name: str | None = None
    refusal: str | None = None
    audio: dict[str, Any] | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    function_call: FunctionCall | None = None


class Function(Struct, frozen=True):
    """A function that the model may call; `parameters` is a JSON schema."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(Struct, frozen=True):
    """A tool. Types that this does not know pass, for the program to read."""

    type: str
    function: Function | None = None
    custom: dict[str, Any] | None = None


class ToolChoice(Struct, frozen=True):
    """A tool that must be called, or the tools that may be."""

    type: str
    function: dict[str, Any] | None = None
    custom: dict[str, Any] | None = None
    allowed_tools: dict[str, Any] | None = None


class NamedFunction(Struct, frozen=True):
    """The function that must be called, as `functions` had it."""

    name: str


class JsonSchema(Struct, frozen=True):
    """The schema that the reply's text must fit."""

    name: str
    schema: dict[str, Any] | None = None
    description: str | None = None
    strict: bool | None = None


class ResponseFormat(Struct, frozen=True):
    """The form of the reply's text."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class StreamOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """What the server itself does with a stream: closed, so that a typo is no silence."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None
    continuous_usage_stats: bool | None = None


class Body(Parameters, frozen=True, kw_only=True):
    """A request's body."""

    messages: list[Message]
    function_call: Literal["none", "auto"] | NamedFunction | None = None  # type: ignore[assignment]  # the checked form
    functions: list[Function] | None = None  # type: ignore[assignment]  # the checked form
    response_format: ResponseFormat | None = None  # type: ignore[assignment]  # the checked form
    stream_options: StreamOptions | None = None  # type: ignore[assignment]  # the checked form
    tool_choice: Literal["none", "auto", "required"] | ToolChoice | None = None  # type: ignore[assignment]  # as above
    tools: list[Tool] | None = None  # type: ignore[assignment]  # the checked form


# ---- the reply. An absent optional field is left out, not null: strict clients refuse the null.


class CachedDetails(Struct, frozen=True):
    """Which tokens of the prompt were cheap."""

    cached_tokens: int


class ReasoningDetails(Struct, frozen=True):
    """Which tokens of the reply were thought and not said."""

    reasoning_tokens: int


class TokenUsage(Struct, frozen=True, kw_only=True):
    """Tokens spent."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: CachedDetails | UnsetType = UNSET
    completion_tokens_details: ReasoningDetails | UnsetType = UNSET


class ReplyToolCall(Struct, frozen=True, kw_only=True):
    """A call that the client shall make."""

    id: str
    type: Literal["function"] = "function"
    function: FunctionCall


class ReplyMessage(Struct, frozen=True, kw_only=True):
    """What the program said. OpenAI's document requires `refusal`, null as it is."""

    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: str | None = None
    reasoning_content: str | UnsetType = UNSET
    reasoning: str | UnsetType = UNSET
    tool_calls: list[ReplyToolCall] | UnsetType = UNSET


class Choice(Struct, frozen=True, kw_only=True):
    """One answer. OpenAI's document requires `logprobs`, null as it is."""

    index: int
    message: ReplyMessage
    logprobs: None = None
    finish_reason: FinishReason


class Completion(Struct, frozen=True, kw_only=True):
    """A whole reply."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: TokenUsage | UnsetType = UNSET


class FunctionDelta(Struct, frozen=True, kw_only=True):
    """A piece of a call."""

    name: str | UnsetType = UNSET
    arguments: str


class ToolCallPiece(Struct, frozen=True, kw_only=True):
    """A piece of a call: `index` says of which; id, type and name come in its first piece only."""

    index: int
    id: str | UnsetType = UNSET
    type: Literal["function"] | UnsetType = UNSET
    function: FunctionDelta


class Delta(Struct, frozen=True, kw_only=True):
    """What a chunk adds to the message."""

    role: Literal["assistant"] | UnsetType = UNSET
    content: str | UnsetType = UNSET
    reasoning_content: str | UnsetType = UNSET
    reasoning: str | UnsetType = UNSET
    tool_calls: list[ToolCallPiece] | UnsetType = UNSET


class ChunkChoice(Struct, frozen=True, kw_only=True):
    """A chunk's share in one answer. `finish_reason` is null until the last."""

    index: int
    delta: Delta
    finish_reason: FinishReason | None = None


class Chunk(Struct, frozen=True, kw_only=True):
    """A frame's data."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice] = field(default_factory=list)
    usage: TokenUsage | UnsetType = UNSET
