"""The page at `/`, for people who would rather look than read. It is for whoever may call the API, and nobody else."""

import asyncio
import gzip
import hashlib
import re
from pathlib import Path

from msgspec import Struct
from starlette.datastructures import Headers
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from mserve.events import Failure

from .policy import policy_of
from .replies import HTML, Header, send_body, send_failure, send_nothing
from .routing import Methods

PATH = "/"
BUILT = Path(__file__).with_name("built") / "index.html"
"""One file, made from `playground/`; a clone in which nobody has made it has none."""

_UNBUILT = Path(__file__).with_name("unbuilt.html")
_SIGN_IN = Path(__file__).with_name("sign_in.html")
_IMAGES = b"; img-src 'self' data: blob:"
_GZIP = re.compile(r"(?:^|,)\s*gzip\s*(?:,|$|;\s*q=(?!0\.?0*\s*(?:,|$)))", re.IGNORECASE)
"""What a client says that takes it: a weight of nought means that it does not."""
_ALONE: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


class _Page(Struct, frozen=True):
    """The page as it is sent."""

    body: bytes
    packed: bytes
    tag: bytes
    policy: bytes
    asking: bytes
    """The page in its place that asks for a key. Strangers get it: whatever it costs to make is paid once."""
    asking_policy: bytes


class Playground:
    """The page, and another one in its place for a browser that has shown no key yet."""

    def __init__(self) -> None:
        self.route = Route(PATH, Methods({"GET": self.page}))
        self._built = BUILT
        self._page: _Page | None = None

    async def page(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Give the page; nothing, where the browser has it."""
        page, asked = await self._read(), Headers(scope=scope)
        headers = [(b"etag", page.tag), (b"cache-control", b"no-cache"), (b"vary", b"accept-encoding")]
        headers += [(b"content-security-policy", page.policy), *_ALONE]
        if page.tag.decode() in asked.get("if-none-match", ""):
            await send_nothing(send, headers, 304)
        elif _GZIP.search(asked.get("accept-encoding", "")):
            await send_body(send, page.packed, HTML, headers=[*headers, (b"content-encoding", b"gzip")])
        else:
            await send_body(send, page.body, HTML, headers=headers)

    def is_wanted(self, scope: Scope) -> bool:
        """Tell whether a browser asks for the page, on its user's behalf."""
        is_here = scope["type"] == "http" and self.route.matches(scope)[0] is Match.FULL
        return is_here and scope["method"] in ("GET", "HEAD") and "text/html" in Headers(scope=scope).get("accept", "")

    async def sign_in(self, send: Send, refusal: Failure, *more: Header) -> None:
        """Refuse whoever has no key by a page that asks for one, and then fetches the other page with it.

        That one takes the place of this in the same document, whose policy stays: it has to do for both.
        """
        page = await self._read()
        headers = [(b"content-security-policy", page.asking_policy), (b"cache-control", b"no-store"), *_ALONE, *more]
        await send_failure(send, refusal, lambda _failure: page.asking, headers, HTML)

    async def _read(self) -> _Page:
        """Read the page once it is wanted. On a thread: to pack it takes as long as many tokens."""
        if self._page is not None:
            return self._page
        is_built = self._built.is_file()
        page = await asyncio.to_thread(_read, self._built if is_built else _UNBUILT)
        self._page = page if is_built else None
        return page


def _read(file: Path) -> _Page:
    body, asking = file.read_bytes(), _SIGN_IN.read_bytes()
    tag = b'W/"%b"' % hashlib.sha256(body).hexdigest()[:32].encode()  # weak: it is the same page, packed or not
    policies = policy_of(body) + _IMAGES, policy_of(asking, body) + _IMAGES
    return _Page(body, gzip.compress(body, mtime=0), tag, policies[0], asking, policies[1])
