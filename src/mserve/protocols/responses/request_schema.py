"""The types of a request. What they check is what is refused; unknown items, tools and keys pass."""

from collections.abc import Collection
from typing import Any, Literal

from msgspec import Struct

from mserve.protocols.misfit import MissingError

_NEEDS = {
    "message": ("role", "content"),
    "function_call": ("call_id", "name", "arguments"),
    "function_call_output": ("call_id", "output"),
    "custom_tool_call": ("call_id", "name", "input"),
    "custom_tool_call_output": ("call_id", "output"),
    "item_reference": ("id",),
    "reasoning": (),
}
_TOOLS = frozenset({"function", "custom"})


class Part(Struct, frozen=True):
    """A part of a message. Types that this does not know pass, for the program to read."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: str | None = None

    def __post_init__(self) -> None:
        """Raise `MissingError` for a text that is not there."""
        if self.type in ("input_text", "output_text") and self.text is None:
            raise MissingError("text")


class InputItem(Struct, frozen=True):
    """Something that was said, called or returned. Without a type it is a message."""

    type: str | None = None
    id: str | None = None
    role: Literal["user", "assistant", "system", "developer"] | None = None
    content: str | list[Part] | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    input: str | None = None
    output: str | list[Part] | None = None
    summary: list[Part] | None = None

    def __post_init__(self) -> None:
        """Raise `MissingError` for what an item of this type cannot do without."""
        for name in _NEEDS.get(kind_of(self.type, has_role=self.role is not None, has_id=self.id is not None), ()):
            if getattr(self, name) is None:
                raise MissingError(name)


def kind_of(type_: str | None, *, has_role: bool, has_id: bool) -> str:
    """Give an item's type, where it was not said: what has an id alone means something that was said before."""
    return type_ or ("item_reference" if has_id and not has_role else "message")


def as_checked(sent: dict[str, Any]) -> dict[str, Any]:
    """Give a body as it is checked: of items and tools of types that are unknown here, the type alone."""
    kinds = {"input": _NEEDS.keys(), "items": _NEEDS.keys(), "tools": _TOOLS}
    return sent | {name: _outlined(sent[name], known) for name, known in kinds.items() if name in sent}


def _outlined(values: Any, known: Collection[str]) -> Any:
    if not isinstance(values, list):
        return values
    types = [value.get("type") if isinstance(value, dict) else None for value in values]
    is_other = [isinstance(type_, str) and bool(type_) and type_ not in known for type_ in types]
    return [{"type": t} if other else value for value, t, other in zip(values, types, is_other, strict=True)]


class Tool(Struct, frozen=True):
    """A tool. Types that this does not know pass, for the program to read."""

    type: str
    name: str | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None

    def __post_init__(self) -> None:
        """Raise `MissingError` for a function without a name."""
        if self.type in _TOOLS and self.name is None:
            raise MissingError("name")


class ToolChoice(Struct, frozen=True):
    """A tool that must be called, or the tools that may be."""

    type: str
    name: str | None = None
    mode: Literal["auto", "required"] | None = None
    tools: list[dict[str, Any]] | None = None

    def __post_init__(self) -> None:
        """Raise `MissingError` for a choice that chooses nothing."""
        if self.type in _TOOLS and self.name is None:
            raise MissingError("name")
        if self.type == "allowed_tools" and (self.mode is None or self.tools is None):
            raise MissingError("mode" if self.mode is None else "tools")


class Format(Struct, frozen=True):
    """The form of the answer's text."""

    type: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    schema: dict[str, Any] | None = None
    description: str | None = None
    strict: bool | None = None

    def __post_init__(self) -> None:
        """Raise `MissingError` for a schema without its name, or a name without its schema."""
        if self.type == "json_schema" and (self.name is None or self.schema is None):
            raise MissingError("name" if self.name is None else "schema")


class Text(Struct, frozen=True):
    """What the answer's text shall be like."""

    format: Format | None = None
    verbosity: str | None = None


class Reasoning(Struct, frozen=True):
    """How much is to be thought, and whether the client wants to read it as a summary."""

    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None


class StreamOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """What a client may ask of a stream. There is no obfuscation, whether it is asked for or not."""

    include_obfuscation: bool | None = None


class ConversationId(Struct, frozen=True):
    """A conversation, by its id."""

    id: str


class ResponsesRequest(Struct, frozen=True, kw_only=True):
    """A request's body."""

    input: str | list[InputItem] | None = None
    model: str | None = None
    instructions: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    # what came before, and what is to become of the answer
    background: bool | None = None
    conversation: str | ConversationId | None = None
    previous_response_id: str | None = None
    store: bool | None = None
    # sampling; what chat completions alone has in OpenAI's API is taken here too
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    max_output_tokens: int | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    temperature: float | None = None
    top_logprobs: int | None = None
    top_p: float | None = None
    # tools
    max_tool_calls: int | None = None
    parallel_tool_calls: bool | None = None
    tool_choice: Literal["none", "auto", "required"] | ToolChoice | None = None
    tools: list[Tool] | None = None
    # the shape of the answer
    include: list[str] | None = None
    reasoning: Reasoning | None = None
    text: Text | None = None
    truncation: Literal["auto", "disabled"] | None = None
    # hints
    metadata: dict[str, str] | None = None
    moderation: dict[str, Any] | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: dict[str, Any] | None = None
    prompt_cache_retention: str | None = None
    safety_identifier: str | None = None
    service_tier: str | None = None
    user: str | None = None
