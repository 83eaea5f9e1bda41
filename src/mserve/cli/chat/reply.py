"""Folds the chunks of an answer into what a conversation keeps of it, and what it cost."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from .chunks import CallPart, Chunk, Delta
from .clean import whole

_SHORTEST = 0.05
"""Seconds: what came in less came at once, and how fast that was means nothing."""


@dataclass
class Call:
    """A tool call, as far as it came; that of a custom tool has a text for arguments."""

    id: str
    name: str = ""
    arguments: str = ""
    is_custom: bool = False

    def grow(self, part: CallPart) -> None:
        """Add what came."""
        if part.function is not None:
            self.name = part.function.name or self.name
            self.arguments += part.function.arguments or ""
        if part.custom is not None:
            self.is_custom = True
            self.name = part.custom.name or self.name
            self.arguments += part.custom.input or ""

    def spelt(self) -> dict[str, Any]:
        """Give it as a message has it."""
        kind, text = ("custom", "input") if self.is_custom else ("function", "arguments")
        return {"id": whole(self.id), "type": kind, kind: {"name": whole(self.name), text: whole(self.arguments)}}


@dataclass
class Text:
    """The next of an answer's text."""

    text: str


@dataclass
class Thought:
    """The next of its reasoning."""

    text: str


Piece = Text | Thought | Call


@dataclass
class Reply:
    """An answer, as far as it came."""

    text: str = ""
    calls: dict[int, Call] = field(default_factory=dict)
    finish: str | None = None
    was_stopped: bool = False
    _tokens: int | None = None
    _pieces: int = 0
    _asked: float = field(default_factory=perf_counter)
    _first: float | None = None
    _last: float = 0.0

    def take(self, chunk: Chunk) -> Iterator[Piece]:
        """Add a chunk; give what it brought. A call is given whole, each time that it grew."""
        if chunk.usage is not None:
            self._tokens = chunk.usage.completion_tokens
        for choice in chunk.choices[:1]:
            self.finish = choice.finish_reason or self.finish
            for piece in self._of(choice.delta):
                self._last = perf_counter()
                self._first = self._first or self._last
                self._pieces += 1
                yield piece

    def _of(self, delta: Delta) -> Iterator[Piece]:
        if thought := delta.reasoning_content or delta.reasoning:  # two spellings of one
            yield Thought(thought)
        for text in (delta.content, delta.refusal):
            if text:
                self.text += text
                yield Text(text)
        for part in delta.tool_calls or ():
            yield self._grown(part)

    def _grown(self, part: CallPart) -> Call:
        call = self.calls.setdefault(part.index, Call(part.id or f"call_{part.index}"))
        call.grow(part)
        return call

    def whole_calls(self) -> list[Call]:
        """Give the calls that can be answered: none of an answer that broke off."""
        return list(self.calls.values()) if self.finish and not self.was_stopped else []

    def message(self, calls: list[Call]) -> dict[str, Any] | None:
        """Give the message that a conversation goes on from, with these of its calls; None where nothing came."""
        if not self.text and not calls:
            return None
        spelt = [call.spelt() for call in calls]
        return {"role": "assistant", "content": whole(self.text) or None} | ({"tool_calls": spelt} if spelt else {})

    def figures(self) -> str:
        """Say how fast it came; nothing of an answer that did not."""
        stopped = ["stopped"] if self.was_stopped else []
        if self._first is None:
            return ", ".join(stopped)
        count = self._pieces if self._tokens is None else self._tokens
        took = self._last - self._first
        said = [f"first token after {self._first - self._asked:.2f} s"]
        said += [f"{(count - 1) / took:.0f} tokens/s"] if took > _SHORTEST else []
        said += [f"{count} {'token' if count == 1 else 'tokens'}"]
        said += [self.finish] if self.finish in ("length", "content_filter") else []
        return ", ".join(said + stopped)
