"""Bytes to a request: decoded once into plain objects, which the program gets, and checked against the schema."""

from typing import Any

from mserve.options import Limits
from mserve.protocols.base import Asked, asked, check_count, check_stop, decode_object, told_apart
from mserve.protocols.misfit import checked
from mserve.protocols.stream_options import check_stream_options
from mserve.request import Parameters, Request

from .legacy import as_tools
from .request_schema import ChatCompletionRequest

_PARAMETERS = frozenset(Parameters.__struct_fields__)


def decode(body: bytes, limits: Limits = Limits()) -> Asked:  # noqa: B008  # frozen
    """Read a chat completion's request; `ClientError` naming the parameter for one that does not fit."""
    sent = decode_object(body)
    check_count(sent, "messages", limits.max_messages)
    request = checked(sent, ChatCompletionRequest)
    check_stop(request.stop)
    check_stream_options(request.stream_options)
    return asked([_request(sent)], limits)


def _request(sent: dict[str, Any]) -> Request:
    messages = sent.pop("messages")
    fields, extra = told_apart(sent, _PARAMETERS)
    return Request(messages=messages, fields=fields, extra=extra, **fields | as_tools(fields))
