"""Lets trusted proxies say whose a request is, as uvicorn has it; who says nothing of it costs no coroutine."""

from typing import Any

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

_SAYINGS = frozenset({b"x-forwarded-for", b"x-forwarded-proto"})
"""All headers that uvicorn reads there."""


class Forwarded(ProxyHeadersMiddleware):
    """An app that sees the client, and the scheme, that a proxy tells of. Knows requests alone."""

    def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        """Be an ASGI app."""
        if _SAYINGS.isdisjoint(dict(scope["headers"])):
            return self.app(scope, receive, send)
        return super().__call__(scope, receive, send)
