"""`POST /v1/chat/completions`: a `Wire`. Its types are in `schema`, the way in in `decode`, the way out in `encode`."""

from mserve.protocols.base import encode_error

from .decode import decode
from .encode import encode_reply, encoder

PATH = "/v1/chat/completions"

__all__ = ["PATH", "decode", "encode_error", "encode_reply", "encoder"]
