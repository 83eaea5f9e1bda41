"""What the server says of itself: its OpenAPI document, and a page that shows it. Neither asks any other host."""

from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from starlette.types import Receive, Scope, Send

from mserve.protocols.base import Endpoint, Wire
from mserve.protocols.openapi import encode_document

from .policy import policy_of
from .replies import HTML, send_body, send_json

PAGE_PATH = "/docs"

_PAGE = Path(__file__).with_name("docs.html")
_LINK = b' <a href="./">The page at /</a> talks to what is served.'


def page_of(*, playground: bool) -> bytes:
    """Give the page: with a link to the playground, or where there is none beside it, without."""
    return _PAGE.read_bytes().replace(_LINK, _LINK if playground else b"")


class Documents:
    """Two endpoints."""

    def __init__(self, wires: Sequence[Wire], endpoints: Sequence[Endpoint], *, playground: bool) -> None:
        self._endpoints = endpoints
        self._wires = wires
        self._page = page_of(playground=playground)
        self._policy = policy_of(self._page)

    async def document(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Give the document."""
        await send_json(send, _document(self._wires, self._endpoints, scope.get("root_path", "")))

    async def page(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Give the page, which may run its own script and nothing else."""
        headers = [(b"content-security-policy", self._policy)]
        await send_body(send, self._page, HTML, headers=headers)


@lru_cache(maxsize=4)
def _document(wires: Sequence[Wire], endpoints: Sequence[Endpoint], root_path: str) -> bytes:
    return encode_document(wires, version("mserve"), root_path, endpoints)
