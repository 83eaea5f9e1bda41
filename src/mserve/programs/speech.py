"""Understands one item of what a program says, and makes it fit for every wire. Holds the state of one run's speech."""

from collections.abc import AsyncGenerator, Iterable
from typing import Any, assert_never, get_args

import msgspec

from mserve.errors import ProgramError
from mserve.events import (
    AudioDelta,
    Citation,
    Event,
    Finish,
    Logprob,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)

from . import checks
from .ecosystems import Reader, WholeJson, owner_of, reader

_EVENTS: tuple[type, ...] = get_args(Event)
_LOST = "\ufffd"
_LONE: dict[type, Event] = {
    TextDelta: TextDelta(_LOST),
    ReasoningDelta: ReasoningDelta(_LOST),
    RefusalDelta: RefusalDelta(_LOST),
    AudioDelta: AudioDelta(transcript=_LOST),
}
_TAKES = (
    "str, mserve's events, a dict or Pydantic model as the whole reply, and the results of Mellea, the OpenAI SDK, "
    "LangChain, LlamaIndex and Pydantic AI"
)


class Speech:
    """One run's items, turned into events: checked, and with no code point split over two of them."""

    def __init__(self) -> None:
        self._readers: dict[str, Reader] = {}
        self._halves: dict[type | str, str] = {}  # by kind of text, or call: a high surrogate that waits for its pair
        self._spoke = False
        self._is_whole = False

    @property
    def is_plain(self) -> bool:
        """Whether a text without halves of code points that comes next would be one event, and change nothing here."""
        return self._spoke and not self._is_whole and not self._halves

    def events(self, item: object) -> Iterable[Event] | AsyncGenerator[object, None] | None:
        """Give the events of an item; None where it is something to iterate first, or nothing that we know."""
        if type(item) is str:
            return self._text(TextDelta(item))
        if isinstance(item, _EVENTS):
            return self.checked(item)  # type: ignore[arg-type]  # mypy does not narrow by a tuple made at run time
        if isinstance(item, str):
            return self._text(TextDelta(str.__str__(item)))
        if isinstance(item, dict):
            return self._json(_dumps(item))
        if isinstance(item, WholeJson):
            return self._json(item.text)
        return self._read(item)

    def checked(self, event: Event) -> Iterable[Event]:  # noqa: PLR0911  # one line for each kind of event
        """Give an event as the log may hold it; `ProgramError` for a field of a wrong type."""
        match event:
            case TextDelta() | ReasoningDelta() | RefusalDelta():
                return self._text(event)
            case ToolCallStart():
                return (checks.tool_call(event),)
            case ToolCallDelta(call, arguments):
                call = checks.whole(checks.string(call, "ToolCallDelta.id"))
                joined = self._join(call, checks.string(arguments, "ToolCallDelta.arguments"))
                return (ToolCallDelta(call, joined),) if joined else ()
            case Citation():
                return (checks.citation(event),)
            case AudioDelta():
                return (self._audio(event),)
            case Usage():
                return (checks.usage(event),)
            case Finish():
                return (*self.rest(), checks.finish(event))
            case _:
                assert_never(event)

    def rest(self) -> list[Event]:
        """Give what was held back, where the other half of a code point never came."""
        halves, self._halves = self._halves, {}
        return [_LONE[kind] if isinstance(kind, type) else ToolCallDelta(kind, _LOST) for kind in halves]

    def _text(self, event: TextDelta | ReasoningDelta | RefusalDelta) -> Iterable[Event]:
        text = event.text
        if type(text) is not str:
            text = checks.string(text, f"{type(event).__name__}.text")
        if isinstance(event, TextDelta) and event.logprobs != ():
            return self._with_logprobs(text, checks.logprobs(event.logprobs or ()))
        if not text:
            return ()
        self._speak()
        if text is event.text and text.isascii() and not self._halves:
            return (event,)
        joined = self._join(type(event), text)
        if joined is event.text:
            return (event,)
        return (type(event)(joined),) if joined else ()

    def _with_logprobs(self, text: str, logprobs: tuple[Logprob, ...]) -> Iterable[Event]:
        """Give a text with its tokens; a token that says no whole character yet is told all the same."""
        if not text and not logprobs:
            return ()
        self._speak()
        joined = self._join(TextDelta, text) if text else ""
        return (TextDelta(joined, logprobs),) if joined or logprobs else ()

    def _speak(self) -> None:
        if self._is_whole:
            raise ProgramError("text after a dict or a model: that is a whole reply, and must be the only item")
        self._spoke = True

    def _audio(self, event: AudioDelta) -> AudioDelta:
        data, known, expires_at = event.data, event.id, event.expires_at
        if not isinstance(data, bytes | bytearray | memoryview):
            raise ProgramError(f"AudioDelta.data is of type {type(data).__name__}, not bytes")
        if expires_at is not None and type(expires_at) is not int:
            raise ProgramError(f"AudioDelta.expires_at is {expires_at!r}, not a number of seconds")
        transcript = checks.string(event.transcript, "AudioDelta.transcript")
        transcript = self._join(AudioDelta, transcript) if transcript else ""
        known = None if known is None else checks.whole(checks.string(known, "AudioDelta.id"))
        return AudioDelta(bytes(data), transcript, known, expires_at)

    def _join(self, kind: type | str, text: str) -> str:
        """Give the piece with its code points whole: a high surrogate at its end waits for the next piece."""
        text = self._halves.pop(kind, "") + text
        if checks.is_whole(text):
            return text
        if "\ud800" <= text[-1] <= "\udbff":
            self._halves[kind], text = text[-1], text[:-1]
        return checks.whole(text)

    def _json(self, text: str) -> Iterable[Event]:
        if self._spoke:
            raise ProgramError("a dict or a model is a whole reply: return it, or let it be the only item")
        said = list(self._text(TextDelta(text)))
        self._is_whole = True
        return said

    def _read(self, item: object) -> Iterable[Event] | AsyncGenerator[object, None] | None:
        ecosystem = owner_of(item)
        if ecosystem is None:
            return None
        if ecosystem not in self._readers:
            self._readers[ecosystem] = reader(ecosystem)
        said = self._readers[ecosystem](item)
        if said is None or isinstance(said, AsyncGenerator):
            return said
        return [event for one in said for event in self._said(one)]

    def _said(self, one: Event | WholeJson) -> Iterable[Event]:
        return self._json(one.text) if isinstance(one, WholeJson) else self.checked(one)


def unknown(item: object) -> ProgramError:
    """Make the error for an item that nothing understands."""
    hint = "; return its first item" if isinstance(item, tuple) else ""
    if item is None:
        hint = "; a function that ends without a return says that"
    elif hasattr(item, "__aenter__"):
        hint = "; enter it with `async with`, and say what that gives"
    return ProgramError(f"the program said something of type {type(item).__name__}{hint}. It may say {_TAKES}")


def _dumps(value: dict[Any, Any]) -> str:
    try:
        return msgspec.json.encode(value, enc_hook=_model).decode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ProgramError(f"the dict that the program said is no JSON: {error}") from error


def _model(value: object) -> object:
    dump = getattr(value, "model_dump", None)
    if dump is None:
        raise TypeError(f"it holds something of type {type(value).__name__}")
    return dump(mode="json", by_alias=True)
