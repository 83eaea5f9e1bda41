"""An HTTP answer to what is no whole request, so that no app sees it: in the shape of all our errors."""

from collections.abc import Iterable
from http import HTTPStatus

from mserve.events import Failure
from mserve.protocols.base import encode_error
from mserve.web.replies import when_to_retry

NO_HTTP = Failure(400, "This is no HTTP/1.1 request.", "invalid_http")


def too_large(most: int) -> Failure:
    """Refuse a head, or what stands in the place of a body."""
    return Failure(431, f"The request's headers are larger than {most} bytes.", "headers_too_large")


def too_far_ahead(most: int) -> Failure:
    """Refuse one more request that does not wait for the answers to those before it."""
    return Failure(400, f"More than {most} requests were sent ahead of their answers.", "invalid_http")


def too_slow(what: str, seconds: float) -> Failure:
    """Refuse to wait for longer."""
    return Failure(408, f"The request's {what} did not come within {seconds:g} seconds.", "request_timeout")


def too_many(most: int) -> Failure:
    """Refuse one more connection."""
    return Failure(503, f"The server has {most} connections open, its most: try again later.", "too_many_connections")


def answer(failure: Failure, name: str, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Give all bytes of a refusal, the last answer of its connection; `headers` are those of every answer."""
    body = encode_error(failure)
    status = HTTPStatus(failure.status)
    all_headers = [
        *headers,
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
        (b"x-request-id", name.encode()),
        *when_to_retry(failure),
    ]
    lines = [b"%b: %b\r\n" % header for header in all_headers]
    return b"".join([f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode(), *lines, b"\r\n", body])
