"""An ASGI host in memory, that takes as our server takes: a whole request through the app, and no kernel."""

from collections.abc import Callable, MutableMapping
from typing import Any

from mserve.web.app import App

Message = MutableMapping[str, Any]
_OFFER, _LEAVING = "mserve.offer", "mserve.leaving"


class Asker:
    """The client and the connection of one request. It keeps what it is told, write by write, and never leaves."""

    def __init__(self, body: bytes) -> None:
        self.status = 0
        self.writes: list[bytes] = []
        self._body: bytes | None = body
        self._size = len(body)

    async def ask(self, app: App) -> bytes:
        """Give the body of the answer."""
        await app(self._scope(), self._receive, self._send)
        if self.status != 200:
            raise RuntimeError(f"{self.status}: {b''.join(self.writes).decode()}")
        return b"".join(self.writes)

    async def _receive(self) -> Message:
        body, self._body = self._body, None  # nobody keeps it
        return {"type": "http.request", "body": body, "more_body": False}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.writes.append(message["body"])

    def _offer(self, frames: bytes) -> bool:
        self.writes.append(frames)
        return True

    def _listen(self, _ring: Callable[[], None]) -> None:
        pass

    def _scope(self) -> Message:
        path = "/v1/chat/completions"
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "scheme": "http",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [
                (b"host", b"127.0.0.1:8000"),
                (b"accept", b"*/*"),
                (b"user-agent", b"bench/1"),
                (b"content-type", b"application/json"),
                (b"content-length", b"%d" % self._size),
            ],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8000),
            "extensions": {_OFFER: {_OFFER: self._offer}, _LEAVING: {_LEAVING: self._listen}},
        }
