"""Understands one item of what a program says, and makes it fit for every wire. Holds the state of one run's speech."""

from collections.abc import AsyncGenerator, Iterable
from typing import Any, assert_never, get_args

import msgspec

from mserve.errors import ProgramError
from mserve.events import Event, Finish, FinishReason, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStart, Usage

from .ecosystems import Reader, WholeJson, ecosystem_of, reader

_EVENTS: tuple[type, ...] = get_args(Event)
_REASONS: dict[str, FinishReason] = {reason: reason for reason in get_args(FinishReason)}
_TAKES = "str, mserve's events, a dict or Pydantic model as the whole reply, Mellea's and the OpenAI SDK's results"


class Speech:
    """One run's items, turned into events: checked, and with no code point split over two of them."""

    def __init__(self) -> None:
        self._readers: dict[str, Reader] = {}
        self._halves: dict[type | str, str] = {}  # by kind of text, or call: a high surrogate that waits for its pair
        self._spoke = False
        self._is_whole = False

    def events(self, item: object) -> Iterable[Event] | AsyncGenerator[Event, None] | None:
        """Give the events of an item; None where it is something to iterate first, or nothing that we know."""
        if type(item) is str:
            return self._text(TextDelta(item))
        if isinstance(item, _EVENTS):
            return self.checked(item)  # type: ignore[arg-type]  # mypy does not narrow by a tuple made at run time
        if isinstance(item, str):
            return self._text(TextDelta(str.__str__(item)))
        if isinstance(item, dict):
            return self._json(_dumps(item))
        return self._read(item)

    def checked(self, event: Event) -> Iterable[Event]:
        """Give an event as the log may hold it; `ProgramError` for a field of a wrong type."""
        match event:
            case TextDelta() | ReasoningDelta():
                return self._text(event)
            case ToolCallStart(call, name):
                return (
                    ToolCallStart(
                        _whole(_string(call, "ToolCallStart.id")), _whole(_string(name, "ToolCallStart.name"))
                    ),
                )
            case ToolCallDelta(call, arguments):
                call = _whole(_string(call, "ToolCallDelta.id"))
                joined = self._join(call, _string(arguments, "ToolCallDelta.arguments"))
                return (ToolCallDelta(call, joined),) if joined else ()
            case Usage():
                return (_tokens(event),)
            case Finish(reason):
                known = _REASONS.get(_string(reason, "Finish.reason"))
                if known is None:
                    raise ProgramError(f"Finish({reason!r}): a reason is one of {', '.join(sorted(_REASONS))}")
                return (*self.rest(), Finish(known))
            case _:
                assert_never(event)

    def rest(self) -> list[Event]:
        """Give what was held back, where the other half of a code point never came."""
        halves, self._halves = self._halves, {}
        return [ToolCallDelta(kind, "\ufffd") if isinstance(kind, str) else kind("\ufffd") for kind in halves]

    def _text(self, event: TextDelta | ReasoningDelta) -> Iterable[Event]:
        text = event.text
        if type(text) is not str:
            text = _string(text, f"{type(event).__name__}.text")
            event = type(event)(text)
        if not text:
            return ()
        if self._is_whole:
            raise ProgramError("text after a dict or a model: that is a whole reply, and must be the only item")
        self._spoke = True
        if text.isascii() and not self._halves:
            return (event,)
        joined = self._join(type(event), text)
        if joined == text:
            return (event,)
        return (type(event)(joined),) if joined else ()

    def _join(self, kind: type | str, text: str) -> str:
        """Give the piece with its code points whole: a high surrogate at its end waits for the next piece."""
        text = self._halves.pop(kind, "") + text
        try:
            text.encode()
        except UnicodeEncodeError:
            if "\ud800" <= text[-1] <= "\udbff":
                self._halves[kind], text = text[-1], text[:-1]
            return _whole(text)
        return text

    def _json(self, text: str) -> Iterable[Event]:
        if self._spoke:
            raise ProgramError("a dict or a model is a whole reply: return it, or let it be the only item")
        said = list(self._text(TextDelta(text)))
        self._is_whole = True
        return said

    def _read(self, item: object) -> Iterable[Event] | AsyncGenerator[Event, None] | None:
        kind: type = type(item)
        ecosystem = ecosystem_of(kind)
        if ecosystem is None:
            return None
        if ecosystem not in self._readers:
            self._readers[ecosystem] = reader(ecosystem)
        said = self._readers[ecosystem](item)
        if isinstance(said, WholeJson):
            return self._json(said.text)
        if said is None or isinstance(said, AsyncGenerator):
            return said
        return [event for raw in said for event in self.checked(raw)]


def unknown(item: object) -> ProgramError:
    """Make the error for an item that nothing understands."""
    hint = "; return its first item" if isinstance(item, tuple) else ""
    if item is None:
        hint = "; a function that ends without a return says that"
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


def _string(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise ProgramError(f"{what} is of type {type(value).__name__}, not str")
    return str.__str__(value)


def _whole(text: str) -> str:
    """Pair the surrogates of a text; a lone one becomes U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _tokens(usage: Usage) -> Usage:
    for name in Usage.__struct_fields__:
        count = getattr(usage, name)
        if type(count) is not int or count < 0:
            raise ProgramError(f"Usage.{name} is {count!r}, not a number of tokens")
    return usage
