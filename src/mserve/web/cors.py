"""Lets web pages of other origins call, where the operator named these origins. Browsers hold all others off."""

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from mserve.protocols.base import encode_error

from .origins import refused_origin

_MAX_AGE = 7200
"""Seconds that a browser may go without asking again; Chromium's own limit."""


class Cors(CORSMiddleware):
    """An app whose answers, errors too, can be read by pages of some origins; `*` stands for all.

    Such a page may use any method, send any header (SDKs send many of their own) and read all of the answer's. Its
    browser keeps its cookies to itself.
    """

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        super().__init__(
            app,
            allow_origins=frozenset(origins),
            allow_methods=("*",),
            allow_headers=("*",),
            allow_private_network=True,  # a page out there that asks for this machine was named, too
            expose_headers=("*",),
            max_age=_MAX_AGE,
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        """Answer a browser that asks on a page's behalf; an origin that was not named is told in our shape."""
        origin = request_headers["origin"]
        if self.is_allowed_origin(origin):
            return super().preflight_response(request_headers)
        return Response(encode_error(refused_origin(origin)), 403, {"vary": "Origin"}, "application/json")
