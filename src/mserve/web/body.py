"""Reads a request's body: refuses what is not declared JSON or too large, before it is read where that is known."""

from collections.abc import Mapping

from starlette.types import Receive

from mserve.errors import ClientError


class ClientLeft(Exception):  # noqa: N818  # no error: there is just nobody to answer
    """The client closed the connection before its request was whole."""


def check_headers(headers: Mapping[bytes, bytes], max_body: int) -> None:
    """Refuse a body by its headers: `ClientError` 415 or 413.

    JSON has to be declared, since a web page can send anything else to any server without asking first.
    """
    declared = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if declared != b"application/json":
        told = declared.decode("latin-1") or "absent"
        raise ClientError(f"The Content-Type must be application/json, not {told}.", 415, "unsupported_media_type")
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > max_body:
        raise _too_large(max_body)


async def read_body(receive: Receive, max_body: int) -> bytes:
    """Read the body; `ClientError` 413 as soon as it is too large, `ClientLeft` where it never ends."""
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        piece: bytes = message.get("body", b"")
        size += len(piece)
        if size > max_body:
            raise _too_large(max_body)
        pieces.append(piece)
        if not message.get("more_body", False):
            return b"".join(pieces)


def _too_large(max_body: int) -> ClientError:
    return ClientError(f"The request body is larger than {max_body} bytes.", 413, "request_too_large")
