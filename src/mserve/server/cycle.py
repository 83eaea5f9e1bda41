"""What an answer that uvicorn works on sees of its connection, and hears of it."""

import asyncio
from collections.abc import Callable

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


class Outlet:
    """The transport as an answer sees it: closing waits for who is still sending."""

    __slots__ = ("_flow", "_has_left", "_ring", "close", "is_closing", "write")

    def __init__(self, transport: asyncio.Transport, flow: FlowControl, close: Callable[[], None]) -> None:
        self._flow = flow
        self._has_left = False
        self._ring: Callable[[], None] | None = None
        self.write = transport.write
        self.is_closing = transport.is_closing
        self.close = close

    def offer(self, body: bytes) -> bool:
        """Write a piece of a body of unknown length, as `send` would: False where that has to wait, or is over."""
        if self._flow.write_paused or self.is_closing():
            return False
        self.write(b"%x\r\n%b\r\n" % (len(body), body))
        return True

    def listen(self, ring: Callable[[], None]) -> None:
        """Call this when the client leaves before it is answered; it is seen to leave by reading alone."""
        self._flow.resume_reading()
        if self._has_left:
            ring()
        else:
            self._ring = ring

    def answered(self) -> None:
        """Let go of who listened: its answer is whole."""
        self._ring = None

    def leave(self) -> None:
        """Tell who listens that the client has left."""
        self._has_left = True
        ring, self._ring = self._ring, None
        if ring is not None:
            ring()


def tell_that_it_left(cycle: RequestResponseCycle) -> None:
    """Let whoever answers hear that the client left."""
    cycle.disconnected = True
    cycle.waiting_for_100_continue = False  # it would say so on a connection that is at its end
    cycle.message_event.set()
