"""What an answer that uvicorn works on sees of its connection, and hears of it, and how its head is written."""

import asyncio
import re
from collections.abc import Callable, Coroutine
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

Buffer = bytes | bytearray | memoryview
_LINES = re.compile(rb'(?:[^\x00-\x20\x7f()<>@,;:\[\]={}\\"]+: [^\x00-\x08\x0a-\x1f\x7f]*\r\n)*')
"""What the lines of a head may be, as uvicorn has it."""
_LINE = b"%b: %b\r\n".__mod__
_NO_BODY = (204, 304)


class Outlet:
    """The transport as an answer sees it: closing waits for who is still sending."""

    __slots__ = ("_flow", "_has_left", "_head", "_on_close", "_ring", "_transport", "is_closing", "write")

    def __init__(self, transport: asyncio.Transport, flow: FlowControl, close: Callable[[], None]) -> None:
        self._flow = flow
        self._has_left = False
        self._ring: Callable[[], None] | None = None
        self._head = b""
        self._transport = transport
        self.write: Callable[[Buffer], None] = transport.write
        self.is_closing = transport.is_closing
        self._on_close = close

    def offer(self, body: bytes) -> bool:
        """Write a piece of a body of unknown length, as `send` would: False where that has to wait, or is over."""
        if self._flow.write_paused or self.is_closing():
            return False
        self.write(b"%x\r\n%b\r\n" % (len(body), body))
        return True

    def begin(self, head: bytes) -> None:
        """Take an answer's head: it goes out with what is written next, in one write."""
        self._head = head
        self.write = self._write_with_head

    def flush(self) -> None:
        """Write the head of an answer that has nothing else, or not yet."""
        if self._head:
            self.write(b"")

    def _write_with_head(self, data: Buffer) -> None:
        head, self._head = self._head, b""
        self.write = self._transport.write
        self.write(b"".join((head, data)))

    def close(self) -> None:
        """Close, once all is written."""
        self.flush()
        self._on_close()

    def listen(self, ring: Callable[[], None]) -> None:
        """Call this when the client leaves before it is answered; it is seen to leave by reading alone."""
        self._flow.resume_reading()
        if self._has_left:
            ring()
        else:
            self._ring = ring

    def answered(self) -> None:
        """Let go of who listened: its answer is whole."""
        self.flush()
        self._ring = None

    def leave(self) -> None:
        """Tell who listens that the client has left. What would hold the connection is let go."""
        self._has_left = True
        self._on_close = self._transport.close
        ring, self._ring = self._ring, None
        if ring is not None:
            ring()


class Cycle(RequestResponseCycle):
    """One request and its answer. Its head is the same as uvicorn's, looked at once and not header by header."""

    def send(self, message: Any) -> Coroutine[Any, Any, None]:
        """Send, as ASGI has it: names of headers are of small letters."""
        return super().send(message) if self.response_started else self._start(message)

    async def _start(self, message: Any) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        status: int = message["status"]
        self.response_started = True
        self.waiting_for_100_continue = False
        headers: list[tuple[bytes, bytes]] = [*self.default_headers, *map(tuple, message.get("headers", ()))]
        lines = b"".join(map(_LINE, headers))
        if lines.count(b"\n") != len(headers) or not _LINES.fullmatch(lines):
            raise RuntimeError("Invalid HTTP header.")
        said = dict(headers)
        if b"close" in said.get(b"connection", b"").lower():
            self.keep_alive = False
        elif not self.keep_alive:
            lines += b"connection: close\r\n"
        self.chunked_encoding = False
        if b"content-length" in said:
            self.expected_content_length = int(said[b"content-length"])
        elif said.get(b"transfer-encoding", b"").lower() == b"chunked":
            self.chunked_encoding = True
        elif self.scope["method"] != "HEAD" and status not in _NO_BODY:
            self.chunked_encoding = True
            lines += b"transfer-encoding: chunked\r\n"
        self.transport.begin(b"%b%b\r\n" % (STATUS_LINE[status], lines))  # type: ignore[attr-defined]  # our outlet

    def leave(self) -> None:
        """Let whoever answers hear that the client left."""
        self.disconnected = True
        self.waiting_for_100_continue = False  # it would say so on a connection that is at its end
        self.message_event.set()
