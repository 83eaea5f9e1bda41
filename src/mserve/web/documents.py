"""What the server says of itself: its OpenAPI document, and a page that shows it. Neither asks any other host."""

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from starlette.types import Receive, Scope, Send

from mserve.protocols.base import Endpoint, Wire
from mserve.protocols.openapi import encode_document

from .replies import send_body, send_json

PAGE_PATH = "/docs"

_PAGE = Path(__file__).with_name("docs.html")


class Documents:
    """Two endpoints."""

    def __init__(self, wires: Sequence[Wire], endpoints: Sequence[Endpoint]) -> None:
        self._endpoints = endpoints
        self._wires = wires
        self._page = _PAGE.read_bytes()
        self._policy = b"default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'none'; " + (
            b"frame-ancestors 'none'; style-src " + _hash(self._page, b"style") + b"; script-src "
        ) + _hash(self._page, b"script")  # fmt: skip

    async def document(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Give the document."""
        await send_json(send, _document(self._wires, self._endpoints, scope.get("root_path", "")))

    async def page(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Give the page, which may run its own script and nothing else."""
        headers = [(b"content-security-policy", self._policy)]
        await send_body(send, self._page, b"text/html; charset=utf-8", headers=headers)


@lru_cache(maxsize=4)
def _document(wires: Sequence[Wire], endpoints: Sequence[Endpoint], root_path: str) -> bytes:
    return encode_document(wires, version("mserve"), root_path, endpoints)


def _hash(page: bytes, tag: bytes) -> bytes:
    """Name the page's own style or script as a policy does."""
    found = re.search(b"<%b>(.*?)</%b>" % (tag, tag), page, re.DOTALL)
    digest = hashlib.sha256(found[1] if found else b"").digest()
    return b"'sha256-" + base64.b64encode(digest) + b"'"
