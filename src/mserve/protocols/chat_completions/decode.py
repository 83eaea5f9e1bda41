"""Bytes to a request: decoded once into plain objects, which the program gets, and checked against the schema."""

import re
from typing import Any

import msgspec

from mserve.errors import ClientError
from mserve.protocols.base import decode_object
from mserve.request import Parameters, Request

from .schema import Body, Message, Tool

_PARAMETERS = frozenset(Parameters.__struct_fields__)
# The client's own words may stand in what msgspec says, before the place.
_PLACE = re.compile(r" - at `\$\.?(?P<place>[^`]*)`$")
_JSON_TYPES = {"int": "integer", "float": "number", "str": "string", "bool": "boolean"}
_TYPE = re.compile(rf"\b(?:{'|'.join(_JSON_TYPES)})\b")
_NAME = re.compile(r"Object (?:missing required|contains unknown) field `(?P<name>.*)`", re.DOTALL)


def decode(body: bytes) -> Request:
    """Read a chat completion's request; `ClientError` naming the parameter for one that does not fit."""
    sent = decode_object(body)
    try:
        checked = msgspec.convert(sent, Body)
    except msgspec.ValidationError as error:
        raise _misfit(str(error)) from error
    if not checked.messages:
        raise ClientError("messages: expected at least one message.", param="messages")
    for number, message in enumerate(checked.messages):
        _check_parts(message, number)
    for number, tool in enumerate(checked.tools or ()):
        _check_tool(tool, number)
    if (
        checked.response_format
        and checked.response_format.type == "json_schema"
        and not checked.response_format.json_schema
    ):
        raise _missing("response_format.json_schema")
    if checked.stream_options and checked.stream_options.continuous_usage_stats:
        param = "stream_options.continuous_usage_stats"
        raise ClientError(f"{param}: usage is sent once, at the end; only false is supported.", param=param)
    return _request(sent)


def _request(sent: dict[str, Any]) -> Request:
    fields = {name: value for name, value in sent.items() if name in _PARAMETERS and value is not None}
    extra = {name: value for name, value in sent.items() if name not in _PARAMETERS and name != "messages"}
    return Request(messages=sent["messages"], fields=fields, extra=extra, **fields)


def _check_parts(message: Message, number: int) -> None:
    """Refuse a part of a known type that lacks what its type is for: programs read it without asking."""
    if isinstance(message.content, list):
        for place, part in enumerate(message.content):
            if getattr(part, part.type, None) is msgspec.UNSET:
                raise _missing(f"messages[{number}].content[{place}].{part.type}")


def _check_tool(tool: Tool, number: int) -> None:
    if tool.type in ("function", "custom") and getattr(tool, tool.type) is None:
        raise _missing(f"tools[{number}].{tool.type}")


def _missing(param: str) -> ClientError:
    return ClientError(f"{param}: this field is required.", param=param)


def _misfit(text: str) -> ClientError:
    """Make the error of what msgspec says: `Expected `int`, got `str` - at `$.seed``."""
    place = _PLACE.search(text)
    path = place["place"] if place else ""
    what = text[: place.start()] if place else text
    if what.startswith("Expected"):
        what = _TYPE.sub(lambda found: _JSON_TYPES[found[0]], what)
    name = _NAME.fullmatch(what)
    if name is not None:
        path = f"{path}.{name['name']}" if path else name["name"]
    return ClientError(f"{path or 'The request body'}: {what[0].lower()}{what[1:]}.", param=path or None)
