"""The OpenAI SDK: completions, chunks and the events of its streams. Imported only when a program says one.

The SDK's `AsyncStream` and `Stream` need nothing here: they are iterated like any stream, item by item.
"""

from base64 import b64decode
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, get_args

from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionChunk, ChatCompletionMessageToolCallUnion
from openai.types.chat.chat_completion_message import AnnotationURLCitation as UrlCitation

from mserve.errors import ProgramError
from mserve.events import (
    AudioDelta,
    Citation,
    Event,
    Finish,
    FinishReason,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)

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
                yield from self._delta(chunk.id, choice.delta, choice.logprobs)
                if choice.finish_reason is not None:
                    yield _finish(choice.finish_reason)
        if chunk.usage is not None:
            yield self._more(chunk.id, _tokens(chunk.usage))

    def _delta(self, completion: str, delta: Any, logprobs: Any) -> Iterator[Event]:
        yield from _said(delta, logprobs)
        if delta.function_call is not None:
            yield from self._older(completion, delta.function_call)
        for piece in delta.tool_calls or ():
            custom = getattr(piece, "custom", None)  # for which the SDK has no type yet: a dict
            part = SimpleNamespace(**custom) if custom else piece.function
            name = getattr(part, "name", None)
            if piece.index not in self._calls or (name and self._is_another(completion, piece)):
                call = piece.id or f"call_{completion}_{piece.index}"
                self._calls[piece.index] = (completion, call)
                yield ToolCallStart(call, name or "", "custom" if custom else "function")
            arguments = getattr(part, "input" if custom else "arguments", None)
            if arguments:
                yield ToolCallDelta(self._calls[piece.index][1], arguments)

    def _older(self, completion: str, function: Any) -> Iterator[Event]:
        """Give a call as `functions` are answered: the only one, without an id or an index."""
        call = f"call_{completion}"
        if 0 not in self._calls:
            self._calls[0] = (completion, call)
            yield ToolCallStart(call, function.name or "")
        if function.arguments:
            yield ToolCallDelta(call, function.arguments)

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
        yield from _said(choice.message, choice.logprobs)
        for call in choice.message.tool_calls or ():
            yield from _call(call)
        if (function := choice.message.function_call) is not None:
            yield ToolCallStart(f"call_{completion.id}", function.name)
            yield ToolCallDelta(f"call_{completion.id}", function.arguments)
        yield _finish(choice.finish_reason)
    if completion.usage is not None:
        yield _tokens(completion.usage)


def _call(call: ChatCompletionMessageToolCallUnion) -> Iterator[Event]:
    if call.type == "custom":
        yield ToolCallStart(call.id, call.custom.name, "custom")
        yield ToolCallDelta(call.id, call.custom.input)
    elif call.type == "function":
        yield ToolCallStart(call.id, call.function.name)
        yield ToolCallDelta(call.id, call.function.arguments)
    else:  # what a server made up
        raise ProgramError(f"calls of functions and custom tools are served, not of the type {call.type!r}")


def _said(part: Any, logprobs: Any) -> Iterator[Event]:
    """Give what a message or a delta says. Reasoning has two spellings among servers, and none in the SDK."""
    reasoning = getattr(part, "reasoning_content", None) or getattr(part, "reasoning", None)
    if isinstance(reasoning, str):
        yield ReasoningDelta(reasoning)
    tokens = (logprobs and logprobs.content) or ()
    if part.content or tokens:
        yield TextDelta(part.content or "", tokens)
    if part.refusal:
        yield RefusalDelta(part.refusal)
    for note in getattr(part, "annotations", None) or ():
        # A delta has no type for these in the SDK: there they are dicts.
        page = UrlCitation.model_validate(note["url_citation"] if isinstance(note, dict) else note.url_citation)
        yield Citation(page.url, page.title, page.start_index, page.end_index)
    if audio := getattr(part, "audio", None):
        known = audio if isinstance(audio, dict) else audio.model_dump()
        data = b64decode(known.get("data") or "")
        yield AudioDelta(data, known.get("transcript") or "", known.get("id"), known.get("expires_at"))


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
