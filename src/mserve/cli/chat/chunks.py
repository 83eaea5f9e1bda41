"""What a server's stream is made of, as far as a chat needs it. Other servers than ours may leave much of it out."""

import json
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

T = TypeVar("T")


class Function(Struct, frozen=True):
    """A part of a call: its name, and the next of its arguments."""

    name: str | None = None
    arguments: str | None = None


class Custom(Struct, frozen=True):
    """A part of a custom tool's call: its name, and the next of its text."""

    name: str | None = None
    input: str | None = None


class CallPart(Struct, frozen=True):
    """A part of a tool call. `index` tells the calls of one answer apart."""

    index: int = 0
    id: str | None = None
    function: Function | None = None
    custom: Custom | None = None


class Delta(Struct, frozen=True):
    """What an answer goes on with."""

    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[CallPart] | None = None


class Choice(Struct, frozen=True):
    """The one answer."""

    delta: Delta = Delta()
    finish_reason: str | None = None


class Usage(Struct, frozen=True):
    """What it cost."""

    completion_tokens: int | None = None


class Chunk(Struct, frozen=True):
    """One event of a stream."""

    choices: list[Choice] = []
    usage: Usage | None = None
    error: Any = None


class Model(Struct, frozen=True):
    """One that can be talked to."""

    id: str


class Models(Struct, frozen=True):
    """All of them."""

    data: list[Model]


def read(data: str | bytes, kind: type[T]) -> T:
    """Read JSON; `ValueError` where it is none, or another thing."""
    # Not by msgspec: it refuses half characters, which servers send that cut their texts without a look.
    try:
        return msgspec.convert(json.loads(data), kind)
    except RecursionError as error:
        raise ValueError("too deep") from error
