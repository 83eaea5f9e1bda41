"""Reads a request's body: refuses what is not declared JSON or too large, before it is read where that is known."""

import re

from starlette.datastructures import Headers
from starlette.types import Receive

from mserve.errors import ClientError

_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)


class ClientLeft(Exception):  # noqa: N818  # no error: there is just nobody to answer
    """The client closed the connection before its request was whole."""


def check_headers(headers: Headers, max_body: int) -> None:
    """Refuse a body by its headers: `ClientError` 415 or 413.

    JSON has to be declared, since a web page can send anything else to any server without asking first.
    """
    declared = headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared != "application/json":
        raise ClientError(
            f"The Content-Type must be application/json, not {declared or 'absent'}.", 415, "unsupported_media_type"
        )
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length) > max_body:
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


def check_depth(body: bytes, most: int) -> None:
    """Refuse a body whose objects and arrays lie deeper in one another: `ClientError`. Brackets in texts count too."""
    brackets = body.translate(None, _NO_BRACKETS)
    for _ in range(most):
        if not brackets:
            return
        # The innermost pairs go, one level at a time.
        shorter = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if len(shorter) == len(brackets):
            break
        brackets = shorter
    if brackets and _depth(body) > most:
        raise ClientError(f"The request body is nested more than {most} levels deep.", code="invalid_json")


def _depth(body: bytes) -> int:
    """Count the levels exactly, without the brackets that stand in texts."""
    level = deepest = 0
    for found in _TOKEN.finditer(body):
        token = found[0]
        if token in b"[{":
            level += 1
            deepest = max(deepest, level)
        elif token in b"]}":
            level -= 1
    return deepest


def _too_large(max_body: int) -> ClientError:
    return ClientError(f"The request body is larger than {max_body} bytes.", 413, "request_too_large")
