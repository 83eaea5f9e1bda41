"""Answers by method, and for paths and methods that are not served: in OpenAI's shape, saying what is.

What only leads on is no coroutine: each would cost every open stream a frame.
"""

from collections.abc import Awaitable, Collection, Mapping

from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from mserve.events import Failure

from .replies import send_failure, send_nothing


class Exact:
    """Leads to what stands at some paths, spelt just so; leaves all else to a router, which looks at each pattern."""

    def __init__(self, apps: Mapping[str, ASGIApp], otherwise: ASGIApp) -> None:
        self._apps = apps
        self._otherwise = otherwise

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Be an ASGI app."""
        is_plain = scope["type"] == "http" and not scope.get("root_path")
        app = self._apps.get(scope["path"], self._otherwise) if is_plain else self._otherwise
        return app(scope, receive, send)


class Methods:
    """An endpoint by method, and an answer to OPTIONS.

    What answers GET answers HEAD too: the host leaves the body out.
    """

    def __init__(self, endpoints: Mapping[str, ASGIApp]) -> None:
        self._endpoints = dict(endpoints)
        if "GET" in self._endpoints:
            self._endpoints["HEAD"] = self._endpoints["GET"]
        self._allow = (b"allow", ", ".join([*self._endpoints, "OPTIONS"]).encode())

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Be an ASGI app."""
        endpoint = self._endpoints.get(scope["method"])
        if endpoint is not None:
            return endpoint(scope, receive, send)
        if scope["method"] == "OPTIONS":
            return send_nothing(send, [self._allow])
        message = f"{scope['path']} takes {', '.join(self._endpoints)}, not {scope['method']}."
        return send_failure(send, Failure(405, message, "method_not_allowed"), headers=[self._allow])


class NotFound:
    """Answers a path that is not served, and knows those that are: most strangers are near one of them."""

    def __init__(self, routes: Collection[Route]) -> None:
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Be an ASGI app."""
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
            return
        await send_failure(
            send, Failure(404, self._message(scope["path"].removeprefix(scope.get("root_path", ""))), "not_found")
        )

    def _message(self, path: str) -> str:
        bare = path.rstrip("/")
        if bare != path and self._serves(bare):
            return f"There is no {path} here: write {bare}, without the slash at its end."
        known = next((there for there in (f"/v1{bare}", bare.removeprefix("/v1")) if self._serves(there)), None)
        if known is not None:
            return f"There is no {path} here: write {known}. A client's base URL ends with /v1."
        return f"There is no {path} here. Clients post to /v1/chat/completions; their base URL ends with /v1."

    def _serves(self, path: str) -> bool:
        return any(route.path_regex.match(path) for route in self._routes)
