"""Says in words why a server did not answer, or not to the end."""

import json
import ssl
from collections.abc import Mapping
from typing import Any

import httpx

from mserve.errors import MserveError

from .clean import clean

_KEY = "the server wants a key that it knows: say --api-key, or set MSERVE_API_KEY"


class ApiError(MserveError):
    """No answer, or not all of one. The text is for a person, and safe to print."""


def refused(status: int, body: bytes, headers: Mapping[str, str], reason: str) -> ApiError:
    """Say what a status means that is no success."""
    try:
        told = message_of(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError, RecursionError):
        told = ""
    told = told or reason or "the server said no more"
    if status in (401, 403):
        return ApiError(clean(f"{told} ({status}): {_KEY}"))
    wait = headers.get("retry-after", "")
    later = f"; try again in {wait} s" if wait.isascii() and wait.isdigit() else ""
    return ApiError(clean(f"{told} ({status}{later})"))


def message_of(error: Any) -> str:
    """Give the words of an error's object, of whatever shape it is."""
    if isinstance(error, dict):
        error = error.get("message") or error
    return error if isinstance(error, str) else json.dumps(error)


def unreached(error: httpx.TransportError, url: httpx.URL) -> ApiError:
    """Say why a connection failed or broke."""
    where = clean(f"{url.scheme}://{url.netloc.decode(errors='replace')}")
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        cause = _tls(error)
        if cause is not None:
            return ApiError(clean(f"{where} cannot be trusted, or speaks no TLS: {cause}"))
        return ApiError(f"nobody answers at {where}")
    return ApiError(f"the connection to {where} broke off")


def _tls(error: BaseException | None) -> str | None:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return error.reason or str(error)
        error = error.__cause__ or error.__context__
    return None
