"""Answers for paths and methods that are not served: in OpenAI's shape, saying what is."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from mserve.events import Failure

from .replies import send_failure


class Methods:
    """An endpoint by method. What answers GET answers HEAD too: the server leaves the body out."""

    def __init__(self, endpoints: Mapping[str, ASGIApp]) -> None:
        self._endpoints = dict(endpoints)
        if "GET" in self._endpoints:
            self._endpoints["HEAD"] = self._endpoints["GET"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Be an ASGI app."""
        endpoint = self._endpoints.get(scope["method"])
        if endpoint is not None:
            await endpoint(scope, receive, send)
            return
        allowed = ", ".join(self._endpoints)
        message = f"{scope['path']} takes {allowed}, not {scope['method']}."
        await send_failure(send, Failure(405, message, "method_not_allowed"), headers=[(b"allow", allowed.encode())])


async def not_found(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a path that is not served."""
    if scope["type"] == "websocket":
        await WebSocketClose()(scope, receive, send)
        return
    message = f"There is no {scope['path']} here. Clients post to /v1/chat/completions; their base URL ends with /v1."
    await send_failure(send, Failure(404, message, "not_found"))
