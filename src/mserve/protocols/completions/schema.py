"""The types of completions, both ways. Fields that no type names pass, for the program to read."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from mserve.protocols.stream_options import StreamOptions
from mserve.protocols.usage import TokenUsage

Reason = Literal["stop", "length", "content_filter"]


class CompletionRequest(Struct, frozen=True, kw_only=True):
    """A request's body."""

    model: str | None = None
    prompt: str | list[str | int | list[int]] | None = None
    best_of: Annotated[int, Meta(ge=1, le=128)] | None = None
    echo: bool | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: Annotated[int, Meta(ge=0)] | None = None
    max_tokens: int | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    suffix: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    user: str | None = None


class CompletionLogprobs(Struct, frozen=True):
    """The tokens of a text, in columns. `text_offset` counts characters, an echoed prompt's too."""

    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]]
    text_offset: list[int]


class CompletionChoice(Struct, frozen=True, kw_only=True):
    """One answer, or what a chunk adds to it: then `finish_reason` is null until the last."""

    index: int
    text: str
    logprobs: CompletionLogprobs | None = None
    finish_reason: Reason | None = None


class Completion(Struct, frozen=True, kw_only=True):
    """A whole reply, or a chunk of it."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: list[CompletionChoice] = field(default_factory=list)
    usage: TokenUsage | UnsetType = UNSET
