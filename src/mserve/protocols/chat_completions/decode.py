"""Bytes to a request: decoded once into plain objects, which the program gets, and checked against the schema."""

from collections.abc import Iterator
from typing import Any

import msgspec

from mserve.options import Limits
from mserve.protocols.base import Asked, asked, check_count, check_stop, decode_object, told_apart
from mserve.protocols.misfit import checked, missing
from mserve.protocols.stream_options import check_stream_options
from mserve.request import Parameters, Request

from .legacy import as_tools
from .request_schema import ChatCompletionRequest, ToolChoice

_ABSENT = (None, msgspec.UNSET)
_PARAMETERS = frozenset(Parameters.__struct_fields__)


def decode(body: bytes, limits: Limits = Limits()) -> Asked:  # noqa: B008  # frozen
    """Read a chat completion's request; `ClientError` naming the parameter for one that does not fit."""
    sent = decode_object(body)
    check_count(sent, "messages", limits.max_messages)
    request = checked(sent, ChatCompletionRequest)
    for place, value in _typed(request):
        if value.type in value.__struct_fields__ and getattr(value, value.type) in _ABSENT:
            raise missing(f"{place}.{value.type}")
    check_stop(request.stop)
    check_stream_options(request.stream_options)
    return asked([_request(sent)], limits)


def _request(sent: dict[str, Any]) -> Request:
    fields, extra = told_apart(sent, _PARAMETERS, "messages")
    return Request(messages=sent["messages"], fields=fields, extra=extra, **fields | as_tools(fields))


def _typed(request: ChatCompletionRequest) -> Iterator[tuple[str, Any]]:
    """Give all that names its type, with its place: what the type is for has to be there, since programs read it."""
    for number, message in enumerate(request.messages):
        if isinstance(message.content, list):
            yield from ((f"messages[{number}].content[{place}]", part) for place, part in enumerate(message.content))
        for place, call in enumerate(message.tool_calls or ()):
            yield f"messages[{number}].tool_calls[{place}]", call
    for number, tool in enumerate(request.tools or ()):
        yield f"tools[{number}]", tool
    if isinstance(request.tool_choice, ToolChoice):
        yield "tool_choice", request.tool_choice
    if request.response_format is not None:
        yield "response_format", request.response_format
