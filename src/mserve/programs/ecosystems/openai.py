"""The OpenAI SDK: completions, chunks and the events of its streams. Imported only when a program says one.

The SDK's `AsyncStream` and `Stream` need nothing here: they are iterated like any stream, item by item.
"""

from collections.abc import Iterator
from typing import Any, get_args

from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from mserve.errors import ProgramError
from mserve.events import Event, Finish, FinishReason, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStart, Usage

from . import Reader, Said

_REASONS = frozenset(get_args(FinishReason))


def reader() -> Reader:
    """Read the SDK's objects; chunks are read in the light of those before them."""
    return _Chunks().read


class _Chunks:
    """Remembers what later chunks leave out: the id of a call, and the usage that the next one repeats."""

    def __init__(self) -> None:
        self._calls: dict[int, tuple[str, str]] = {}  # by index: the completion and the call that is told there
        self._usage: dict[str, Usage] = {}

    def read(self, value: object) -> Said:
        if isinstance(value, ChatCompletionChunk):
            return self._chunk(value)
        if isinstance(value, ChatCompletion):
            return _completion(value)
        chunk = getattr(value, "chunk", None)  # the events of `.stream()`: one kind has the chunk, the others retell it
        if isinstance(chunk, ChatCompletionChunk):
            return self._chunk(chunk)
        if type(value).__module__.startswith("openai.lib.streaming.chat._events"):
            return ()
        if hasattr(value, "__aiter__") or hasattr(value, "__next__"):
            return None
        raise ProgramError(
            f"of the OpenAI SDK, chat completions and their chunks are served, not {type(value).__name__}"
        )

    def _chunk(self, chunk: ChatCompletionChunk) -> Iterator[Event]:
        for choice in chunk.choices:
            if choice.index == 0:
                yield from self._delta(chunk.id, choice.delta)
                if choice.finish_reason is not None:
                    yield _finish(choice.finish_reason)
        if chunk.usage is not None:
            yield self._more(chunk.id, _tokens(chunk.usage))

    def _delta(self, completion: str, delta: Any) -> Iterator[Event]:
        yield from _texts(delta)
        for piece in delta.tool_calls or ():
            name = piece.function.name if piece.function else None
            if piece.index not in self._calls or (name and self._is_another(completion, piece)):
                call = piece.id or f"call_{completion}_{piece.index}"
                self._calls[piece.index] = (completion, call)
                yield ToolCallStart(call, name or "")
            if piece.function and piece.function.arguments:
                yield ToolCallDelta(self._calls[piece.index][1], piece.function.arguments)

    def _is_another(self, completion: str, piece: Any) -> bool:
        """Tell a new call from a repeated name: some servers give all calls the index 0, and each chunk an id."""
        known_completion, call = self._calls[piece.index]
        return bool(piece.id != call) if piece.id else completion != known_completion

    def _more(self, completion: str, now: Usage) -> Usage:
        """Give what a usage adds to the last one of its completion: some servers repeat a running total."""
        before = self._usage.get(completion, Usage(0, 0))
        self._usage[completion] = now
        return Usage(*(max(getattr(now, f) - getattr(before, f), 0) for f in Usage.__struct_fields__))


def _completion(completion: ChatCompletion) -> Iterator[Event]:
    for choice in completion.choices[:1]:
        yield from _texts(choice.message)
        for call in choice.message.tool_calls or ():
            if call.type != "function":
                raise ProgramError(f"calls of functions are served, not of the type {call.type!r}")
            yield ToolCallStart(call.id, call.function.name)
            yield ToolCallDelta(call.id, call.function.arguments)
        yield _finish(choice.finish_reason)
    if completion.usage is not None:
        yield _tokens(completion.usage)


def _texts(part: Any) -> Iterator[Event]:
    """Give the texts of a message or a delta. Reasoning has two spellings among servers, and none in the SDK."""
    reasoning = getattr(part, "reasoning_content", None) or getattr(part, "reasoning", None)
    if isinstance(reasoning, str):
        yield ReasoningDelta(reasoning)
    for text in (part.content, part.refusal):
        if text:
            yield TextDelta(text)


def _finish(reason: str) -> Finish:
    return Finish(reason if reason in _REASONS else "stop")  # type: ignore[arg-type]  # narrowed by the set


def _tokens(usage: CompletionUsage) -> Usage:
    prompt, completion = usage.prompt_tokens_details, usage.completion_tokens_details
    return Usage(
        usage.prompt_tokens or 0,
        usage.completion_tokens or 0,
        (prompt.cached_tokens if prompt else None) or 0,
        (completion.reasoning_tokens if completion else None) or 0,
    )
