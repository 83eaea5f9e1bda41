"""Whole HTTP answers: a body that is ready, and errors in the shape that the client's protocol has for them."""

from collections.abc import Callable, Sequence

from starlette.types import Send

from mserve.events import Failure
from mserve.protocols.base import encode_error
from mserve.runs.failure import INVALID_OUTPUT, PROGRAM_ERROR

from .record import current

Header = tuple[bytes, bytes]

HTML = b"text/html; charset=utf-8"
JSON = b"application/json"

_RETRY_AFTER = b"1"
"""Seconds."""


async def send_body(send: Send, body: bytes, kind: bytes, status: int = 200, headers: Sequence[Header] = ()) -> None:
    """Send a body that is ready."""
    length = str(len(body)).encode()
    start = [(b"content-type", kind), (b"content-length", length), *headers]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body})


async def send_json(send: Send, body: bytes, status: int = 200, headers: Sequence[Header] = ()) -> None:
    """Send a JSON body that is ready."""
    await send_body(send, body, JSON, status, headers)


async def send_nothing(send: Send, headers: Sequence[Header], status: int = 204) -> None:
    """Send an answer that is all in its headers."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body"})


async def send_failure(
    send: Send,
    failure: Failure,
    encode: Callable[[Failure], bytes] = encode_error,
    headers: Sequence[Header] = (),
    kind: bytes = JSON,
) -> None:
    """Send an error with its own status."""
    current.get().failure = failure
    await send_body(send, encode(failure), kind, failure.status, [*headers, *when_to_retry(failure)])


def when_to_retry(failure: Failure) -> Sequence[Header]:
    """Say when to come again, where that may help, and that it does not, where clients would believe that it does."""
    if failure.status in (429, 503):
        return [(b"retry-after", _RETRY_AFTER)]
    if failure.code in (PROGRAM_ERROR, INVALID_OUTPUT):
        # OpenAI's SDKs repeat what fails with a 5xx, twice: programs cost money, and few fail by chance.
        return [(b"x-should-retry", b"false")]
    return []
