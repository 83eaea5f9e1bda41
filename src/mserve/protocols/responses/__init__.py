"""`POST /v1/responses`: a `Wire`. The way in is `decode`, the ways out are `whole` and `stream`."""

from mserve.protocols.base import Operation, encode_error

from .decode import decode, with_past
from .echo import PREFIX
from .event_schema import ResponseEvent
from .items import items_of, listed
from .lists import Page, encode_deleted, encode_items, page_of
from .place import key_of
from .reply_schema import Response
from .request_schema import ResponsesRequest
from .stream import GONE, UNREADABLE, encoder
from .whole import WholeResponse, whole

PATH = "/v1/responses"
OPERATION = Operation(
    name="createResponse",
    summary="Answer a conversation, step by step, and keep the answer.",
    request=ResponsesRequest,
    reply=Response,
    chunk=ResponseEvent,
)

__all__ = [
    "GONE",
    "OPERATION",
    "PATH",
    "PREFIX",
    "UNREADABLE",
    "Page",
    "WholeResponse",
    "decode",
    "encode_deleted",
    "encode_error",
    "encode_items",
    "encoder",
    "items_of",
    "key_of",
    "listed",
    "page_of",
    "whole",
    "with_past",
]
