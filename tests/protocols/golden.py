"""Small requests and logs of both wires, and the bytes that are the same in all their replies."""

from typing import Any

from mserve.events import RunEvent
from mserve.protocols.base import Envelope, Wire
from protocols.talks import Take, Talk, asked_of

ENVELOPE = Envelope("k1", 1700000000, "m")
CHUNK = b'{"id":"chatcmpl-k1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":['
DONE = b"data: [DONE]\n\n"


def whole(wire: Wire, *logs: list[RunEvent], **sent: Any) -> bytes:
    """Give a whole reply of one choice for each log."""
    return Talk(wire, ENVELOPE, asked_of(wire, **sent), list(logs)).whole


def stream(wire: Wire, *takes: Take, **sent: Any) -> bytes:
    """Give the stream of what was read of the choices."""
    return Talk(wire, ENVELOPE, asked_of(wire, **sent), []).stream(takes)


def delta(
    piece: bytes, reason: bytes = b"null", *, number: int = 0, logprobs: bytes = b"", head: bytes = CHUNK
) -> bytes:
    """Give a frame of chat completions."""
    choice = b'{"index":%d,"delta":' % number + piece + logprobs + b',"finish_reason":' + reason + b"}"
    return b"data: " + head + choice + b"]}\n\n"


def body(*choices: bytes, rest: bytes = b"") -> bytes:
    """Give a whole reply of chat completions."""
    head = b'{"id":"chatcmpl-k1","object":"chat.completion","created":1700000000,"model":"m","choices":['
    return head + b",".join(choices) + b"]" + rest + b"}"


def choice(message: bytes, reason: bytes = b"stop", *, number: int = 0, logprobs: bytes = b"null") -> bytes:
    """Give a choice of a whole reply of chat completions."""
    said = b'{"role":"assistant",' + message + b"}"
    end = b',"logprobs":' + logprobs + b',"finish_reason":"' + reason + b'"}'
    return b'{"index":%d,"message":' % number + said + end


ROLE = delta(b'{"role":"assistant"}')
STOP = delta(b"{}", b'"stop"')
