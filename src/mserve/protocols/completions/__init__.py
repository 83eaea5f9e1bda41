"""`POST /v1/completions`, the older endpoint, on the same programs: a `Wire`. Its prompt is the user's one message."""

from mserve.protocols.base import Operation, encode_error

from .decode import decode
from .encode import encoder, whole
from .schema import Completion, CompletionRequest

PATH = "/v1/completions"
OPERATION = Operation(
    name="createCompletion",
    summary="Answer prompts, as older clients ask.",
    request=CompletionRequest,
    reply=Completion,
    chunk=Completion,
)

__all__ = ["OPERATION", "PATH", "decode", "encode_error", "encoder", "whole"]
