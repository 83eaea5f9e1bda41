"""Checks the fields of what a program says. Each check gives the value as the log may hold it, or `ProgramError`."""

from typing import Annotated, Any, get_args

import msgspec
from msgspec import Meta, Struct

from mserve.errors import ProgramError
from mserve.events import Citation, Finish, FinishReason, Logprob, ToolCallStart, ToolType, Usage

_REASONS: dict[str, FinishReason] = {reason: reason for reason in get_args(FinishReason)}
_TOOLS: dict[str, ToolType] = {kind: kind for kind in get_args(ToolType)}


def string(value: object, what: str) -> str:
    """Give a plain `str`."""
    if not isinstance(value, str):
        raise ProgramError(f"{what} is of type {type(value).__name__}, not str")
    return str.__str__(value)


def is_whole(text: str) -> bool:
    """Tell whether all of a text can be sent: half a code point cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def whole(text: str) -> str:
    """Pair the surrogates of a text; a lone one becomes U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def tool_call(start: ToolCallStart) -> ToolCallStart:
    """Give the start of a call."""
    kind = _TOOLS.get(string(start.type, "ToolCallStart.type"))
    if kind is None:
        raise ProgramError(f"ToolCallStart.type is {start.type!r}: it is one of {', '.join(_TOOLS)}")
    return ToolCallStart(
        whole(string(start.id, "ToolCallStart.id")), whole(string(start.name, "ToolCallStart.name")), kind
    )


def citation(said: Citation) -> Citation:
    """Give a citation."""
    start, end = _count(said.start, "Citation.start"), _count(said.end, "Citation.end")
    if end < start:
        raise ProgramError(f"Citation: it ends at {end}, before its start at {start}")
    return Citation(whole(string(said.url, "Citation.url")), whole(string(said.title, "Citation.title")), start, end)


def usage(said: Usage) -> Usage:
    """Give a usage."""
    for name in Usage.__struct_fields__:
        _count(getattr(said, name), f"Usage.{name}")
    return said


def finish(said: Finish) -> Finish:
    """Give a finish."""
    known = _REASONS.get(string(said.reason, "Finish.reason"))
    if known is None:
        raise ProgramError(f"Finish({said.reason!r}): a reason is one of {', '.join(sorted(_REASONS))}")
    return Finish(known)


def logprobs(said: Any) -> tuple[Logprob, ...]:
    """Give log probabilities: ours, or objects or dicts with the names that OpenAI's API has."""
    try:
        read = msgspec.convert(list(said), list[_Token], from_attributes=True)
        return tuple(map(_logprob, read))
    except (TypeError, ValueError, RecursionError) as error:
        raise ProgramError(f"TextDelta.logprobs are not understood: {error}") from error


class _Token(Struct):
    """What log probabilities are read as: those of our own type would pass unread."""

    token: str
    logprob: float
    bytes: tuple[Annotated[int, Meta(ge=0, le=255)], ...] | None = None
    top_logprobs: tuple["_Token", ...] | None = None


def _logprob(said: _Token) -> Logprob:
    if said.logprob != said.logprob or said.logprob == float("inf"):  # what NaN alone is not
        raise ValueError(f"{said.logprob} is no log probability")
    # An impossible token has none that JSON could hold; -9999.0 is what OpenAI's API says then.
    number = max(said.logprob, -9999.0)
    return Logprob(
        whole(string(said.token, "Logprob.token")), number, said.bytes, tuple(map(_logprob, said.top_logprobs or ()))
    )


def _count(value: object, what: str) -> int:
    if type(value) is not int or value < 0:
        raise ProgramError(f"{what} is {value!r}, not a number from 0 on")
    return value
