"""The types of a request. What they check is what is refused; unknown keys pass, but for `stream_options`."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from mserve.protocols.misfit import MissingError
from mserve.protocols.stream_options import StreamOptions
from mserve.request import Parameters

_ABSENT = (None, UNSET)


class Typed(Struct, frozen=True):
    """What names its type: what the type is for has to be there, since programs read it."""

    type: str

    def __post_init__(self) -> None:
        """Raise `MissingError` for what is not there."""
        kind = self.type
        if kind in self.__struct_fields__ and getattr(self, kind) in _ABSENT:
            raise MissingError(kind)


class ImageUrl(Struct, frozen=True):
    """Where an image is: an address, or a data URI."""

    url: str


class InputAudio(Struct, frozen=True):
    """Base64 data and its format."""

    data: str
    format: str


class Part(Typed, frozen=True):
    """A part of a message's content. Types that this does not know pass, for the program to read."""

    text: str | UnsetType = UNSET
    image_url: ImageUrl | UnsetType = UNSET
    input_audio: InputAudio | UnsetType = UNSET
    file: dict[str, Any] | UnsetType = UNSET
    refusal: str | UnsetType = UNSET


class FunctionCall(Struct, frozen=True):
    """What was called; `arguments` is JSON text."""

    name: str
    arguments: str


class ToolCall(Typed, frozen=True, kw_only=True):
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


class Tool(Typed, frozen=True):
    """A tool. Types that this does not know pass, for the program to read."""

    function: Function | None = None
    custom: dict[str, Any] | None = None


class Named(Struct, frozen=True):
    """A tool, by its name."""

    name: str


class AllowedTools(Struct, frozen=True):
    """The tools that may be called, and whether one of them must be."""

    mode: Literal["auto", "required"]
    tools: list[dict[str, Any]]


class ToolChoice(Typed, frozen=True):
    """A tool that must be called, or the tools that may be."""

    function: Named | None = None
    custom: Named | None = None
    allowed_tools: AllowedTools | None = None


class JsonSchema(Struct, frozen=True):
    """The schema that the reply's text must fit."""

    name: str
    schema: dict[str, Any] | None = None
    description: str | None = None
    strict: bool | None = None


class ResponseFormat(Typed, frozen=True):
    """The form of the reply's text."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class ChatCompletionRequest(Parameters, frozen=True, kw_only=True):
    """A request's body."""

    messages: Annotated[list[Message], Meta(min_length=1)]
    n: Annotated[int, Meta(ge=1, le=128)] | None = None  # OpenAI's own limit; a server's is lower
    function_call: Literal["none", "auto"] | Named | None = None  # type: ignore[assignment]  # the checked form
    functions: list[Function] | None = None  # type: ignore[assignment]  # the checked form
    response_format: ResponseFormat | None = None  # type: ignore[assignment]  # the checked form
    stream_options: StreamOptions | None = None  # type: ignore[assignment]  # the checked form
    tool_choice: Literal["none", "auto", "required"] | ToolChoice | None = None  # type: ignore[assignment]  # as above
    tools: list[Tool] | None = None  # type: ignore[assignment]  # the checked form
