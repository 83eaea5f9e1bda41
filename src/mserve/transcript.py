"""The legal order of events, and the reply that they fold into. Judges and adds up; never waits, reads or writes."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import assert_never

from msgspec import Struct

from .errors import ProgramError
from .events import (
    AudioDelta,
    Citation,
    Event,
    Failure,
    Finish,
    FinishReason,
    Logprob,
    ReasoningDelta,
    RefusalDelta,
    RunEvent,
    Said,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    ToolType,
    Usage,
)

CUT: frozenset[FinishReason] = frozenset({"length", "content_filter"})
"""The reasons of a reply that is not whole: they stand even where tools were called."""


class Order:
    """Judges the events of one run, one by one.

    Text, reasoning, calls and the rest come in any order, and calls may interleave. An id starts once; arguments come
    only for an id that was started. There is at most one `Finish`, and nothing after it but `Usage`.
    """

    def __init__(self) -> None:
        self.finished = False
        self._calls: dict[str, bool] = {}  # by id: whether its arguments may end here
        self._refused = False

    def admit(self, event: Event) -> None:
        """Let a legal event pass; `ProgramError` for any other."""
        if self.finished and not isinstance(event, Usage):
            raise ProgramError(f"{type(event).__name__} after the Finish: only Usage may follow it")
        if isinstance(event, ToolCallStart):
            self._start(event)
        elif isinstance(event, ToolCallDelta):
            self._continue(event)
        elif isinstance(event, RefusalDelta):
            self._refused = True

    def answers(self, said: FinishReason | None) -> bool:
        """Tell whether a reply that ends for this reason is an answer: not cut, no refusal, and it calls no tool."""
        return (said is None or said not in CUT) and not self._calls and not self._refused

    def ending(self, said: FinishReason | None) -> list[Event]:
        """Give the events that end a reply whose program said this reason, or none, and judge what follows by it.

        A function's call that got no arguments gets an empty object, unless the reply was cut. The reason is
        `tool_calls` where calls were made and never where none was: clients loop for ever on that.
        """
        self.finished = True
        if said is not None and said in CUT:
            return [Finish(said)]
        empty = [ToolCallDelta(call, "{}") for call, may_end in self._calls.items() if not may_end]
        return [*empty, Finish("tool_calls" if self._calls else "stop")]

    def _start(self, call: ToolCallStart) -> None:
        if call.id in self._calls:
            raise ProgramError(f"the tool call {call.id!r} was started twice")
        self._calls[call.id] = call.type == "custom"

    def _continue(self, event: ToolCallDelta) -> None:
        if event.id not in self._calls:
            raise ProgramError(f"arguments for the tool call {event.id!r}, which was never started")
        if event.arguments:
            self._calls[event.id] = True


class ToolCall(Struct, frozen=True):
    """A finished call; `arguments` is the JSON text that the program gave, or a custom tool's input."""

    id: str
    name: str
    arguments: str
    type: ToolType = "function"


class Audio(Struct, frozen=True):
    """All that was spoken."""

    data: bytes
    transcript: str
    id: str | None
    expires_at: int | None


class Reply(Struct, frozen=True, kw_only=True):
    """All that a run said."""

    text: str = ""
    logprobs: tuple[Logprob, ...] = ()
    starts: tuple[int, ...] = ()
    """Where in the text each of these tokens starts, in characters."""
    reasoning: str = ""
    refusal: str = ""
    calls: tuple[ToolCall, ...] = ()
    citations: tuple[Citation, ...] = ()
    audio: Audio | None = None
    usage: Usage | None = None
    reason: FinishReason = "stop"


class Transcript:
    """Folds the events of one run, as its log gives them, into a reply."""

    def __init__(self) -> None:
        self.failure: Failure | None = None
        self._text: list[str] = []
        self._length = self._measured = 0  # of so many texts: where a token starts is asked for by few
        self._logprobs: list[Logprob] = []
        self._starts: list[int] = []
        self._reasoning: list[str] = []
        self._refusal: list[str] = []
        self._calls: dict[str, tuple[ToolCallStart, list[str]]] = {}
        self._citations: list[Citation] = []
        self._audio: list[AudioDelta] = []
        self._usage: Usage | None = None
        self._reason: FinishReason = "stop"

    def extend(self, events: Iterable[Said]) -> None:
        """Take the next events."""
        for kind, some in groupby(events, type):
            if kind is str:  # nearly always
                self._text += some  # type: ignore[arg-type]  # texts alone
            else:
                for event in some:
                    self.add(event)  # type: ignore[arg-type]  # no text

    def add(self, event: RunEvent) -> None:  # noqa: C901  # one line for each kind of event
        """Take the next event."""
        match event:
            case TextDelta(text, logprobs):
                self._measure()
                self._starts += starts(logprobs, self._length)
                self._text.append(text)
                self._logprobs += logprobs
            case ReasoningDelta(text):
                self._reasoning.append(text)
            case RefusalDelta(text):
                self._refusal.append(text)
            case ToolCallStart():
                self._calls[event.id] = (event, [])
            case ToolCallDelta(call, arguments):
                self._calls[call][1].append(arguments)
            case Citation():
                self._citations.append(event)
            case AudioDelta():
                self._audio.append(event)
            case Usage():
                self._usage = total(self._usage, event)
            case Finish(reason):
                self._reason = reason
            case Failure():
                self.failure = event
            case _:
                assert_never(event)

    def _measure(self) -> None:
        self._length += sum(map(len, self._text[self._measured :]))
        self._measured = len(self._text)

    def reply(self) -> Reply:
        """Give what was said so far."""
        calls = (ToolCall(c.id, c.name, "".join(pieces), c.type) for c, pieces in self._calls.values())
        return Reply(
            text="".join(self._text),
            logprobs=tuple(self._logprobs),
            starts=tuple(self._starts),
            reasoning="".join(self._reasoning),
            refusal="".join(self._refusal),
            calls=tuple(calls),
            citations=tuple(self._citations),
            audio=_audio(self._audio) if self._audio else None,
            usage=self._usage,
            reason=self._reason,
        )


def _audio(pieces: Sequence[AudioDelta]) -> Audio:
    return Audio(
        b"".join(piece.data for piece in pieces),
        "".join(piece.transcript for piece in pieces),
        next((piece.id for piece in pieces if piece.id is not None), None),
        next((piece.expires_at for piece in pieces if piece.expires_at is not None), None),
    )


def starts(tokens: Sequence[Logprob], start: int) -> Iterator[int]:
    """Give where in a text each of some tokens starts, of which the first does so at `start`."""
    for token in tokens:
        yield start
        start += len(token.token)


def total(before: Usage | None, more: Usage) -> Usage:
    """Add the tokens of two usages."""
    if before is None:
        return more
    return Usage(
        before.input_tokens + more.input_tokens,
        before.output_tokens + more.output_tokens,
        before.cached_tokens + more.cached_tokens,
        before.reasoning_tokens + more.reasoning_tokens,
    )
