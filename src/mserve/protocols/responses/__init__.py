"""`POST /v1/responses`: a `Wire`. The way in is `decode`, the ways out are `whole` and `stream`."""

from mserve.protocols.base import Operation, encode_error

from .decode import decode
from .event_schema import ResponseEvent
from .reply_schema import Response
from .request_schema import ResponsesRequest
from .stream import encoder
from .whole import whole

PATH = "/v1/responses"
OPERATION = Operation(
    name="createResponse",
    summary="Answer a conversation, step by step, and keep the answer.",
    request=ResponsesRequest,
    reply=Response,
    chunk=ResponseEvent,
)

__all__ = ["OPERATION", "PATH", "decode", "encode_error", "encoder", "whole"]
