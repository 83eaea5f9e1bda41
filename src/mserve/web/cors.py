"""Lets web pages of other origins call, where the operator named these origins. Browsers hold all others off."""

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from mserve.events import Failure
from mserve.options import Options

from .guard import Guard
from .origins import refused_origin
from .replies import send_failure

_MAX_AGE = 7200
"""Seconds that a browser may go without asking again; Chromium's own limit."""
_ASKS = {b"origin", b"access-control-request-method"}
"""The headers of a preflight: a browser asks, on a page's behalf, whether that may send what it wants to."""

_VARY = (b"vary", b"Origin")


class Cors(CORSMiddleware):
    """An app whose answers, errors too, can be read by pages of some origins; `*` stands for all.

    Such a page may use any method, send any header (SDKs send many of their own) and read all of the answer's. Its
    browser keeps its cookies to itself.
    """

    def __init__(self, app: ASGIApp, options: Options) -> None:
        super().__init__(
            app,
            allow_origins=frozenset(options.allowed_origins),
            allow_methods=("*",),
            allow_headers=("*",),
            allow_private_network=True,  # a page out there that asks for this machine was named, too
            expose_headers=("*",),
            max_age=_MAX_AGE,
        )
        # It has no key, and its page is looked at here: what is left to guard is the name that it calls.
        place = Options(allowed_hosts=options.allowed_hosts, allowed_origins=("*",))
        self._preflight = Guard(self._answer, place)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Be an ASGI app."""
        is_http = scope["type"] == "http"
        if is_http and scope["method"] == "OPTIONS" and {name for name, _ in scope["headers"]} >= _ASKS:
            await self._preflight(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight; a refusal is told in our shape."""
        headers = Headers(scope=scope)
        response = self.preflight_response(headers)
        if response.status_code == 200:
            await response(scope, receive, send)
        elif self.is_allowed_origin(headers["origin"]):
            methods = ", ".join(self.allow_methods)
            refusal = Failure(405, f"Pages may use {methods}, and no other method.", "method_not_allowed")
            await send_failure(send, refusal, headers=[_VARY, (b"allow", methods.encode())])
        else:
            await send_failure(send, refused_origin(headers["origin"]), headers=[_VARY])
