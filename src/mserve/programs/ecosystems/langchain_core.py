"""LangChain: a chat model's messages and their chunks, alone or as LangGraph streams them. Imported when one is said.

What a chain's `astream` and `stream` give needs nothing here: it is iterated like any stream, item by item.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import ToolCallChunk

from mserve.errors import ProgramError
from mserve.events import Event, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta, ToolCallStart, Usage

from . import Reader, Said, made_up_id
from .cut import cut


def reader() -> Reader:
    """Read LangChain's messages; chunks are read in the light of those before them."""
    return _Messages().read


class _Messages:
    """Remembers what later chunks leave out: the id of a call, and that the reply was cut."""

    def __init__(self) -> None:
        self._calls: dict[tuple[str | None, int | None], str] = {}  # by message and index: the call told there
        self._is_cut = False

    def read(self, value: object) -> Said:
        if isinstance(value, tuple):
            return _of_a_graph(value[0])
        if isinstance(value, AIMessageChunk):
            return self._message(value, self._pieces(value))
        if isinstance(value, AIMessage):
            return self._message(value, _calls(value))
        if hasattr(value, "__await__"):  # the streams of its third protocol: awaited, they give the message
            return None
        raise ProgramError(
            "of LangChain, a chat model's messages and their chunks are served, and LangGraph's pairs of a message and "
            f"its metadata, not {type(value).__name__}"
        )

    def _message(self, message: AIMessage, calls: Iterator[Event]) -> Iterator[Event]:
        yield from _texts(message)
        yield from calls
        for finish in cut(*_reasons(message.response_metadata)):
            if not self._is_cut:  # some models say it twice
                self._is_cut = True
                yield finish
        yield from _usage(message.usage_metadata)

    def _pieces(self, chunk: AIMessageChunk) -> Iterator[Event]:
        for piece in chunk.tool_call_chunks:
            call = self._call(chunk, piece)
            if call is None:
                call = self._calls[chunk.id, piece["index"]] = piece["id"] or made_up_id()
                yield ToolCallStart(call, piece["name"] or "")
            if piece["args"]:
                yield ToolCallDelta(call, piece["args"])

    def _call(self, chunk: AIMessageChunk, piece: ToolCallChunk) -> str | None:
        """Give the call that a piece goes on with; None where it starts one. Without an index, a piece is all of it."""
        known = self._calls.get((chunk.id, piece["index"])) if piece["index"] is not None else None
        return known if not piece["id"] or piece["id"] == known else None


def _of_a_graph(message: object) -> Iterator[Event]:
    """Give what a model says within a graph. Its calls are for the graph's own tools, and it may be asked again."""
    if isinstance(message, AIMessage):
        yield from _texts(message)
        yield from _usage(message.usage_metadata)


def _texts(message: AIMessage) -> Iterator[Event]:
    if isinstance(message.content, list) or message.additional_kwargs:  # the blocks cost more than most chunks
        blocks: list[Any] = message.content_blocks
        yield from (ReasoningDelta(block.get("reasoning", "")) for block in blocks if block["type"] == "reasoning")
        yield from _refusals(message)
    yield TextDelta(message.text)


def _refusals(message: AIMessage) -> Iterator[Event]:
    """Give a refusal, for which LangChain has no place of its own: OpenAI's chat completions and responses have."""
    blocks = message.content if isinstance(message.content, list) else []
    for kept in (message.additional_kwargs, *(block for block in blocks if isinstance(block, dict))):
        if isinstance(kept.get("refusal"), str):
            yield RefusalDelta(kept["refusal"])


def _calls(message: AIMessage) -> Iterator[Event]:
    said = [(call, msgspec.json.encode(call["args"]).decode()) for call in message.tool_calls]
    for call, arguments in (*said, *((call, call["args"] or "") for call in message.invalid_tool_calls)):
        known_as = call["id"] or made_up_id()
        yield ToolCallStart(known_as, call["name"] or "")
        yield ToolCallDelta(known_as, arguments)


def _reasons(metadata: dict[Any, Any]) -> Iterator[object]:
    """Give why the model ended, in the spellings of OpenAI and Google, Anthropic, Bedrock and Ollama."""
    yield from (metadata.get(name) for name in ("finish_reason", "stop_reason", "stopReason", "done_reason"))
    yield (metadata.get("incomplete_details") or {}).get("reason")  # of OpenAI's responses


def _usage(usage: UsageMetadata | None) -> Iterator[Event]:
    """Give a message's tokens. Those of a stream's chunks add up: LangChain's own sum of them is their sum."""
    if usage is not None:
        yield Usage(
            usage["input_tokens"],
            usage["output_tokens"],
            usage.get("input_token_details", {}).get("cache_read", 0),
            usage.get("output_token_details", {}).get("reasoning", 0),
        )
