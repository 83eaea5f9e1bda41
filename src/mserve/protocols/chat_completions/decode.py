"""Bytes to a request: decoded once into plain objects, which the program gets, and checked against the schema."""

from typing import Any

import msgspec

from mserve.protocols.base import Asked, copies, decode_object
from mserve.protocols.misfit import misfit, missing
from mserve.protocols.stream_options import check_stream_options
from mserve.request import Parameters, Request

from .legacy import as_tools
from .request_schema import ChatCompletionRequest, Message, Tool

_PARAMETERS = frozenset(Parameters.__struct_fields__)


def decode(body: bytes) -> Asked:
    """Read a chat completion's request; `ClientError` naming the parameter for one that does not fit."""
    sent = decode_object(body)
    try:
        checked = msgspec.convert(sent, ChatCompletionRequest)
    except msgspec.ValidationError as error:
        raise misfit(str(error)) from error
    for number, message in enumerate(checked.messages):
        _check_parts(message, number)
    for number, tool in enumerate(checked.tools or ()):
        _check_tool(tool, number)
    if (
        checked.response_format
        and checked.response_format.type == "json_schema"
        and not checked.response_format.json_schema
    ):
        raise missing("response_format.json_schema")
    check_stream_options(checked.stream_options)
    request = _request(sent)
    return Asked(request, copies(request))


def _request(sent: dict[str, Any]) -> Request:
    fields = {name: value for name, value in sent.items() if name in _PARAMETERS and value is not None}
    extra = {name: value for name, value in sent.items() if name not in _PARAMETERS and name != "messages"}
    return Request(messages=sent["messages"], fields=fields, extra=extra, **fields | as_tools(fields))


def _check_parts(message: Message, number: int) -> None:
    """Refuse a part of a known type that lacks what its type is for: programs read it without asking."""
    if isinstance(message.content, list):
        for place, part in enumerate(message.content):
            if getattr(part, part.type, None) is msgspec.UNSET:
                raise missing(f"messages[{number}].content[{place}].{part.type}")


def _check_tool(tool: Tool, number: int) -> None:
    if tool.type in ("function", "custom") and getattr(tool, tool.type) is None:
        raise missing(f"tools[{number}].{tool.type}")
