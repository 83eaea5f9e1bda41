"""A reply as one body, or as frames. What is the same in every frame of a reply is rendered once."""

from collections.abc import Sequence
from typing import assert_never

import msgspec

from mserve.events import Failure, Finish, ReasoningDelta, RunEvent, TextDelta, ToolCallDelta, ToolCallStart, Usage
from mserve.protocols.base import Envelope, encode_error
from mserve.protocols.framing import DONE, frame, one_line, quoted
from mserve.request import Request
from mserve.transcript import Reply, total

from .schema import (
    CachedDetails,
    Choice,
    Chunk,
    ChunkChoice,
    Completion,
    Delta,
    FunctionCall,
    FunctionDelta,
    ReasoningDetails,
    ReplyMessage,
    ReplyToolCall,
    TokenUsage,
    ToolCallPiece,
)


def encode_reply(envelope: Envelope, reply: Reply) -> bytes:
    """Give the body of a whole reply."""
    calls = [ReplyToolCall(id=c.id, function=FunctionCall(c.name, c.arguments)) for c in reply.calls]
    message = ReplyMessage(
        content=None if calls and not reply.text else reply.text,
        reasoning_content=reply.reasoning or msgspec.UNSET,
        reasoning=reply.reasoning or msgspec.UNSET,
        tool_calls=calls or msgspec.UNSET,
    )
    return msgspec.json.encode(
        Completion(
            id=_id(envelope),
            created=envelope.created,
            model=envelope.model,
            choices=[Choice(index=0, message=message, finish_reason=reply.reason)],
            usage=_usage(reply.usage) if reply.usage else msgspec.UNSET,
        )
    )


def encoder(envelope: Envelope, request: Request) -> "ChunkEncoder":
    """Start a stream; usage comes in a chunk of its own, where the client asked for it."""
    return ChunkEncoder(envelope, include_usage=bool((request.stream_options or {}).get("include_usage")))


class ChunkEncoder:
    """Renders the frames of one stream."""

    def __init__(self, envelope: Envelope, *, include_usage: bool) -> None:
        self._envelope = envelope
        self._include_usage = include_usage
        self._usage: Usage | None = None
        self._indexes: dict[str, int] = {}
        self._started = False
        # Rendered once with a delta that stands for all of them, and cut where it stood.
        empty = one_line(msgspec.json.encode(self._chunk([ChunkChoice(index=0, delta=Delta())])))
        before, _, after = empty.rpartition(b"{}")
        self._before, self._after = b"data: " + before, after + b"\n\n"
        self._before_text, self._after_text = self._before + b'{"content":', b"}" + self._after

    def encode(self, events: Sequence[RunEvent]) -> bytes:
        """Give the frames of the next events; the role comes with the first of them, and never earlier."""
        frames = []
        for event in events:
            if not self._started and not isinstance(event, Usage | Failure):
                self._started = True
                frames.append(self._frame(Delta(role="assistant")))
            if isinstance(event, TextDelta):
                frames.append(self._before_text + quoted(event.text) + self._after_text)
            else:
                frames.append(self._rare(event))
        return b"".join(frames)

    def close(self) -> bytes:
        """Give the usage, where it was asked for and is known, and the end of the stream."""
        if self._usage is None or not self._include_usage:
            return DONE
        return frame(self._chunk([], _usage(self._usage))) + DONE

    def _rare(self, event: ReasoningDelta | ToolCallStart | ToolCallDelta | Usage | Finish | Failure) -> bytes:
        match event:
            case ReasoningDelta(text):
                return self._frame(Delta(reasoning_content=text, reasoning=text))
            case ToolCallStart(call, name):
                index = self._indexes[call] = len(self._indexes)
                function = FunctionDelta(name=name, arguments="")
                return self._piece(ToolCallPiece(index=index, id=call, type="function", function=function))
            case ToolCallDelta(call, arguments):
                return self._piece(
                    ToolCallPiece(index=self._indexes[call], function=FunctionDelta(arguments=arguments))
                )
            case Finish(reason):
                return frame(self._chunk([ChunkChoice(index=0, delta=Delta(), finish_reason=reason)]))
            case Usage():
                self._usage = total(self._usage, event)
                return b""
            case Failure():
                self._usage = None  # an error is the last word
                return b"data: " + one_line(encode_error(event)) + b"\n\n"
            case _:
                assert_never(event)

    def _piece(self, piece: ToolCallPiece) -> bytes:
        return self._frame(Delta(tool_calls=[piece]))

    def _frame(self, delta: Delta) -> bytes:
        return self._before + one_line(msgspec.json.encode(delta)) + self._after

    def _chunk(self, choices: list[ChunkChoice], usage: TokenUsage | msgspec.UnsetType = msgspec.UNSET) -> Chunk:
        envelope = self._envelope
        return Chunk(id=_id(envelope), created=envelope.created, model=envelope.model, choices=choices, usage=usage)


def _id(envelope: Envelope) -> str:
    return f"chatcmpl-{envelope.key}"


def _usage(usage: Usage) -> TokenUsage:
    return TokenUsage(
        prompt_tokens=usage.input_tokens,
        completion_tokens=usage.output_tokens,
        total_tokens=usage.input_tokens + usage.output_tokens,
        prompt_tokens_details=CachedDetails(usage.cached_tokens) if usage.cached_tokens else msgspec.UNSET,
        completion_tokens_details=ReasoningDetails(usage.reasoning_tokens) if usage.reasoning_tokens else msgspec.UNSET,
    )
