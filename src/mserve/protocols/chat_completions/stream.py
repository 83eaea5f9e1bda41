"""A reply as frames. What is the same in every frame of a choice is rendered once."""

from collections.abc import Sequence
from itertools import groupby
from typing import assert_never

import msgspec
from msgspec import UNSET

from mserve.events import (
    AudioDelta,
    Citation,
    Event,
    Failure,
    Finish,
    ReasoningDelta,
    RefusalDelta,
    Said,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from mserve.protocols.base import Asked, Envelope, encode_error
from mserve.protocols.framing import frame, framed, json_text, one_line
from mserve.protocols.stream_options import includes_usage
from mserve.protocols.usage import ending
from mserve.request import Request
from mserve.transcript import total

from .legacy import is_legacy, reason_of
from .parts import annotation, identity, logprobs_of, service_tier
from .recording import Recording
from .reply_schema import (
    Annotation,
    AudioPiece,
    ChatCompletionChunk,
    ChunkChoice,
    CustomDelta,
    Delta,
    FunctionDelta,
    Reason,
    ToolCallPiece,
)

_TEXT = {str}
_PARTS = b'","'
"""What parts two texts in their JSON. Within a text its quotes are escaped."""
_LOOKS_LIKE_ITS_END = b'\\","'
"""Where a text ends with a quote and a comma, or with a backslash: what parts it from the next is not to be told so."""
_TEXT_BEGINS, _TEXT_ENDS = b'{"content":"', b'"}'


def encoder(envelope: Envelope, asked: Asked) -> "ChunkEncoder":
    """Start a stream; usage comes in a chunk of its own, where the client asked for it."""
    return ChunkEncoder(envelope, asked)


class ChunkEncoder:
    """Renders the frames of one stream."""

    __slots__ = ("_begun", "_choices", "_chunk", "_failed", "_include_usage")

    def __init__(self, envelope: Envelope, asked: Asked) -> None:
        self._chunk = ChatCompletionChunk(
            id=identity(envelope),
            created=envelope.created,
            model=envelope.model,
            service_tier=service_tier(asked.request),
        )
        self._include_usage = includes_usage(asked.request)
        self._choices = [_Choice(number, self._chunk, envelope, asked.request) for number in range(len(asked.runs))]
        self._begun = 0
        self._failed = False

    def open(self) -> bytes:
        """Give nothing: the role comes with the first word."""
        return b""

    def encode(self, choice: int, events: Sequence[Said]) -> bytes:
        """Give the frames of the next events; the role comes with the first of them, and never earlier."""
        if choice < self._begun and {*map(type, events)} == _TEXT:  # nearly always
            return self._choices[choice].texts(events)  # type: ignore[arg-type]  # texts alone
        if events and type(events[-1]) is Failure:
            self._failed = True  # an error is the last word
            return self.encode(choice, events[:-1]) + framed(encode_error(events[-1]))
        said = self._choices[choice].frames(events)
        if choice >= self._begun and said:
            said = self._roles(choice) + said
        return said

    def close(self, _ended: int) -> bytes:
        """Give the usage, where it was asked for and is known, and the end of the stream."""
        told = self._include_usage and not self._failed
        return ending(self._chunk, (choice.usage for choice in self._choices), told=told)

    def _roles(self, choice: int) -> bytes:
        """Begin the choices up to one that says its first word: openai-python fails where they begin out of order."""
        begun, self._begun = self._begun, choice + 1
        return b"".join(beginning.role() for beginning in self._choices[begun : choice + 1])


class _Choice:
    """Renders the frames of one choice."""

    __slots__ = (
        "_after",
        "_annotations",
        "_audio",
        "_before",
        "_between",
        "_calls",
        "_chunk",
        "_legacy",
        "_logprobs",
        "_number",
        "usage",
    )

    def __init__(self, number: int, chunk: ChatCompletionChunk, envelope: Envelope, request: Request) -> None:
        self.usage: Usage | None = None
        self._number = number
        self._chunk = chunk
        self._legacy = is_legacy(request)
        self._logprobs = request.logprobs
        self._calls: dict[str, tuple[int, ToolCallStart]] = {}
        self._audio = Recording(envelope)
        self._annotations: list[Annotation] = []
        # Rendered once with a delta that stands for all of them, and cut where it stood.
        empty = one_line(msgspec.json.encode(self._with(ChunkChoice(index=number, delta=Delta()))))
        before, _, after = empty.rpartition(b"{}")
        self._before, self._after = b"data: " + before, after + b"\n\n"
        self._between = _TEXT_ENDS + self._after + self._before + _TEXT_BEGINS

    def role(self) -> bytes:
        return self._delta(Delta(role="assistant"))

    def frames(self, events: Sequence[Said]) -> bytes:
        frames: list[bytes] = []
        for kind, some in groupby(events, type):
            if kind is str:
                frames.append(self.texts([*some]))  # type: ignore[list-item]  # texts alone
            else:
                frames += map(self._frame, some)  # type: ignore[arg-type]  # neither texts nor a failure
        return b"".join(frames)

    def texts(self, texts: Sequence[str]) -> bytes:
        """Give the frames of some texts, none of which is empty."""
        encoded = json_text(texts)
        if _LOOKS_LIKE_ITS_END not in encoded:
            joined = encoded[2:-2].replace(_PARTS, self._between)
        else:
            joined = self._between.join([json_text(text)[1:-1] for text in texts])
        if not joined.isascii():
            joined = one_line(joined)
        return b"".join((self._before, _TEXT_BEGINS, joined, _TEXT_ENDS, self._after))

    def _frame(self, event: Event) -> bytes:  # noqa: C901, PLR0911  # one line for each kind of event
        match event:
            case TextDelta(text, logprobs) if not (logprobs and self._logprobs):
                return self.texts([text]) if text else b""  # else tokens were all that it had
            case TextDelta(text, logprobs):
                choice = ChunkChoice(index=self._number, delta=Delta(content=text), logprobs=logprobs_of(logprobs))
                return frame(self._with(choice))
            case ReasoningDelta(text):
                return self._delta(Delta(reasoning_content=text, reasoning=text))
            case RefusalDelta(text):
                return self._delta(Delta(refusal=text))
            case ToolCallStart():
                return self._start(event)
            case ToolCallDelta(call, arguments):
                return self._piece(*self._calls[call], arguments, first=False)
            case Citation():
                self._annotations.append(annotation(event))
                return b""
            case AudioDelta():
                return self._audio_delta(self._audio.piece(event))
            case Finish(reason):
                return self._last(reason_of(reason, legacy=self._legacy))
            case Usage():
                self.usage = total(self.usage, event)
                return b""
            case _:
                assert_never(event)

    def _start(self, start: ToolCallStart) -> bytes:
        self._calls[start.id] = (len(self._calls), start)
        return self._piece(*self._calls[start.id], "", first=True)

    def _piece(self, index: int, call: ToolCallStart, arguments: str, *, first: bool) -> bytes:
        name = call.name if first else UNSET
        if self._legacy:
            # The older API has room for one call, and none for its id.
            function = FunctionDelta(name=name, arguments=arguments)
            return self._delta(Delta(function_call=function)) if index == 0 else b""
        piece = ToolCallPiece(
            index=index,
            id=call.id if first else UNSET,
            type=call.type if first else UNSET,
            function=FunctionDelta(name=name, arguments=arguments) if call.type == "function" else UNSET,
            custom=CustomDelta(name=name, input=arguments) if call.type == "custom" else UNSET,
        )
        return self._delta(Delta(tool_calls=[piece]))

    def _last(self, reason: Reason) -> bytes:
        """Give what had to wait for the end, and the end. Annotations come at once: clients cannot join two lists."""
        notes = self._delta(Delta(annotations=self._annotations)) if self._annotations else b""
        last = frame(self._with(ChunkChoice(index=self._number, delta=Delta(), finish_reason=reason)))
        return notes + self._audio_delta(self._audio.rest()) + last

    def _audio_delta(self, piece: AudioPiece | None) -> bytes:
        return self._delta(Delta(audio=piece)) if piece else b""

    def _delta(self, delta: Delta) -> bytes:
        return self._before + one_line(msgspec.json.encode(delta)) + self._after

    def _with(self, choice: ChunkChoice) -> ChatCompletionChunk:
        return msgspec.structs.replace(self._chunk, choices=[choice])
