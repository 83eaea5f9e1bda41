"""`POST /v1/chat/completions`: a `Wire`. The way in is `decode`, the ways out are `encode` and `stream`."""

from mserve.protocols.base import Operation, encode_error

from .decode import decode
from .encode import whole
from .reply_schema import ChatCompletion, ChatCompletionChunk
from .request_schema import ChatCompletionRequest
from .stream import encoder

PATH = "/v1/chat/completions"
OPERATION = Operation(
    name="createChatCompletion",
    summary="Answer a conversation.",
    request=ChatCompletionRequest,
    reply=ChatCompletion,
    chunk=ChatCompletionChunk,
)

__all__ = ["OPERATION", "PATH", "decode", "encode_error", "encoder", "whole"]
