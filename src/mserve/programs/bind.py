"""Reads a program's signature once, at load, and fills its parameters by name at each call. Never calls the program."""

import difflib
import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from mserve.errors import ClientError, LoadError
from mserve.program import Call
from mserve.request import Parameters, Request

Filler = Callable[[Call], Any]

EXTRAS = {"mellea": "mserve[mellea]", "json_schema": "mserve[pydantic]"}
"""What to install for an ecosystem whose parameters a program declares."""

_MELLEAS = {"input": "mellea", "model_options": "mellea", "format": "json_schema"}  # by parameter: who makes it
_SENT = frozenset(Parameters.__struct_fields__)
_TWO_NAMES = ("max_completion_tokens", "max_tokens")  # one value; the newer name is the stronger


def prompt_of(messages: list[dict[str, Any]]) -> str:
    """Join the text parts of the last user message by newlines; `""` where there is none."""
    for message in reversed(messages):
        if message["role"] == "user":
            content = message.get("content")
            if isinstance(content, list):
                return "\n".join(part["text"] for part in content if part["type"] == "text")
            return content or ""
    return ""


def _requirements(call: Call) -> list[str]:
    sent = call.request.extra.get("requirements")
    if sent is None:
        return []
    if not isinstance(sent, list) or not all(isinstance(text, str) for text in sent):
        raise ClientError("requirements: expected an array of strings", param="requirements")
    return sent


_OURS: dict[str, Filler] = {
    "messages": lambda call: call.request.messages,
    "prompt": lambda call: prompt_of(call.request.messages),
    "request": lambda call: call.request,
    "headers": lambda call: call.headers,
    "caller": lambda call: call.caller,
    "cancelled": lambda call: call.cancelled,
    "state": lambda call: call.state,
}
_PLAIN: dict[str, Filler] = {
    "requirements": _requirements,
    "client_options": lambda call: call.request.fields | call.request.extra,
}
_RESERVED = frozenset({*_OURS, *_PLAIN, *_MELLEAS})
KNOWN = _RESERVED | _SENT
"""Every parameter that a program can declare without a default."""


def _first_of(request: Request, names: tuple[str, ...]) -> Any:
    """Give the first of some parameters that the client sent, be it by an older name."""
    return next((value for name in names if (value := getattr(request, name)) is not None), None)


class _Field(Struct, frozen=True):
    """A parameter that takes a field of the client's body, when one was sent."""

    name: str
    sources: tuple[str, ...]
    extra: bool
    has_default: bool


class Binding(Struct, frozen=True):
    """How to fill one program's parameters."""

    declares: frozenset[str]
    _always: tuple[tuple[str, Filler], ...]
    _fields: tuple[_Field, ...]
    _takes_rest: bool

    def arguments(self, call: Call) -> dict[str, Any]:
        """Give the keyword arguments for a call; `ClientError` where a field does not fit the parameter."""
        arguments = {name: fill(call) for name, fill in self._always}
        request = call.request
        for field in self._fields:
            sent = request.extra.get(field.name) if field.extra else _first_of(request, field.sources)
            if sent is not None or not field.has_default:
                arguments[field.name] = sent
        if self._takes_rest:
            arguments |= self._rest(request.fields, request.extra)
        return arguments

    def _rest(self, fields: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
        taken = self.declares | _RESERVED | {"self"}  # which an object's call takes, though no signature shows it
        if not taken.isdisjoint(_TWO_NAMES):
            taken |= frozenset(_TWO_NAMES)
        return {name: value for body in (fields, extra) for name, value in body.items() if name not in taken}


def bind(serve: Callable[..., Any], place: str) -> Binding:
    """Read the signature of `serve`; `LoadError` for a parameter that nothing can fill."""
    try:
        parameters = inspect.signature(serve).parameters.values()
    except (TypeError, ValueError) as error:
        raise LoadError(f"{place}: its parameters cannot be read ({error}); wrap it in a function") from error
    always: list[tuple[str, Filler]] = []
    fields: list[_Field] = []
    for parameter in parameters:
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise LoadError(
                f"{place}: the parameter {parameter.name!r} is positional-only; parameters are given by name"
            )
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        filler = _filler(parameter.name, place)
        if filler is not None:
            always.append((parameter.name, filler))
        else:
            fields.append(_field(parameter, place))
    return Binding(
        frozenset(p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)),
        tuple(always),
        tuple(fields),
        any(p.kind is p.VAR_KEYWORD for p in parameters),
    )


def _filler(name: str, place: str) -> Filler | None:
    """Give what always fills a parameter of this name; None for a field of the client's body."""
    plain = _OURS.get(name) or _PLAIN.get(name)
    if plain is not None or name not in _MELLEAS:
        return plain
    package = _MELLEAS[name]
    try:
        ecosystem = importlib.import_module(f"..ecosystems.{package}", __name__)
    except ImportError as error:
        raise LoadError(
            f"{place}: the parameter {name!r} needs {error.name}, which is not installed, or too old ({error}); "
            f"try: pip install '{EXTRAS[package]}'"
        ) from error
    fillers: dict[str, Filler] = ecosystem.PARAMETERS
    return fillers[name]


def _field(parameter: inspect.Parameter, place: str) -> _Field:
    name, has_default = parameter.name, parameter.default is not parameter.empty
    if name in _SENT:
        return _Field(name, _TWO_NAMES if name in _TWO_NAMES else (name,), extra=False, has_default=has_default)
    if not has_default:
        near = difflib.get_close_matches(name, KNOWN, n=1)
        guess = f" (did you mean {near[0]!r}?)" if near else ""
        raise LoadError(
            f"{place}: nothing fills the parameter {name!r}{guess}. "
            "A field of the client's own needs a default, since not every client sends it"
        )
    return _Field(name, (name,), extra=True, has_default=True)
