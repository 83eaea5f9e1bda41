"""Says in words why a server did not answer, or not to the end."""

import json
import ssl
from collections.abc import Mapping
from typing import Any

import httpx

from mserve.errors import MserveError

from .clean import clean

_NO_KEY = "the server wants an API key (401): say --api-key, or set MSERVE_API_KEY"
_WRONG_KEY = "the server does not know the key (401): it is that of --api-key, else of MSERVE_API_KEY or OPENAI_API_KEY"


class ApiError(MserveError):
    """No answer, or not all of one. The text is for a person, and safe to print."""


def refused(status: int, body: bytes, headers: Mapping[str, str], reason: str, *, has_key: bool) -> ApiError:
    """Say what a status means that is no success; of keys in words for a chat, where servers name headers."""
    try:
        error = json.loads(body)["error"]
        told = message_of(error)
    except (ValueError, KeyError, TypeError, RecursionError):
        error, told = None, ""
    if status == 401 and not has_key:
        return ApiError(_NO_KEY)
    if status == 401 and (not told or (isinstance(error, dict) and error.get("code") == "invalid_api_key")):
        return ApiError(_WRONG_KEY)
    told = told or reason or "the server said no more"
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
