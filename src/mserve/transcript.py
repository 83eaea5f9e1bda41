"""The legal order of events, and the reply that they fold into. Judges and adds up; never waits, reads or writes."""

from typing import assert_never

from msgspec import Struct

from .errors import ProgramError
from .events import (
    Event,
    Failure,
    Finish,
    FinishReason,
    ReasoningDelta,
    RunEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)

CUT: frozenset[FinishReason] = frozenset({"length", "content_filter"})
"""The reasons of a reply that is not whole: they stand even where tools were called."""


class Order:
    """Judges the events of one run, one by one.

    Text, reasoning and calls come in any order, and calls may interleave. An id starts once; arguments come only for
    an id that was started. There is at most one `Finish`, and nothing after it but `Usage`.
    """

    def __init__(self) -> None:
        self.finished = False
        self._calls: dict[str, bool] = {}  # by id: whether it has arguments yet

    def admit(self, event: Event) -> None:
        """Let a legal event pass; `ProgramError` for any other."""
        if self.finished and not isinstance(event, Usage):
            raise ProgramError(f"{type(event).__name__} after the Finish: only Usage may follow it")
        if isinstance(event, ToolCallStart):
            self._start(event.id)
        elif isinstance(event, ToolCallDelta):
            self._continue(event)

    def ending(self, said: FinishReason | None) -> list[Event]:
        """Give the events that end a reply whose program said this reason, or none, and judge what follows by it.

        A call that got no arguments gets an empty object, unless the reply was cut. The reason is `tool_calls` where
        calls were made and never where none was: clients loop for ever on a `tool_calls` without calls.
        """
        self.finished = True
        if said is not None and said in CUT:
            return [Finish(said)]
        empty = [ToolCallDelta(call, "{}") for call, has_arguments in self._calls.items() if not has_arguments]
        return [*empty, Finish("tool_calls" if self._calls else "stop")]

    def _start(self, call: str) -> None:
        if call in self._calls:
            raise ProgramError(f"the tool call {call!r} was started twice")
        self._calls[call] = False

    def _continue(self, event: ToolCallDelta) -> None:
        if event.id not in self._calls:
            raise ProgramError(f"arguments for the tool call {event.id!r}, which was never started")
        if event.arguments:
            self._calls[event.id] = True


class ToolCall(Struct, frozen=True):
    """A finished call; `arguments` is the JSON text that the program gave."""

    id: str
    name: str
    arguments: str


class Reply(Struct, frozen=True, kw_only=True):
    """All that a run said."""

    text: str
    reasoning: str
    calls: tuple[ToolCall, ...]
    usage: Usage | None
    reason: FinishReason


class Transcript:
    """Folds the events of one run, as its log gives them, into a reply."""

    def __init__(self) -> None:
        self.failure: Failure | None = None
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: dict[str, tuple[str, list[str]]] = {}
        self._usage: Usage | None = None
        self._reason: FinishReason = "stop"

    def add(self, event: RunEvent) -> None:
        """Take the next event."""
        match event:
            case TextDelta(text):
                self._text.append(text)
            case ReasoningDelta(text):
                self._reasoning.append(text)
            case ToolCallStart(call, name):
                self._calls[call] = (name, [])
            case ToolCallDelta(call, arguments):
                self._calls[call][1].append(arguments)
            case Usage():
                self._usage = total(self._usage, event)
            case Finish(reason):
                self._reason = reason
            case Failure():
                self.failure = event
            case _:
                assert_never(event)

    def reply(self) -> Reply:
        """Give what was said so far."""
        return Reply(
            text="".join(self._text),
            reasoning="".join(self._reasoning),
            calls=tuple(ToolCall(call, name, "".join(pieces)) for call, (name, pieces) in self._calls.items()),
            usage=self._usage,
            reason=self._reason,
        )


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
