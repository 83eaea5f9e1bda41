"""What an answer that uvicorn works on sees of its connection, and hears of it."""

import asyncio
from collections.abc import Callable

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


class Outlet:
    """The transport as an answer sees it: closing waits for who is still sending."""

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        self.write = transport.write
        self.is_closing = transport.is_closing
        self.close = close


def tell_that_it_left(cycle: RequestResponseCycle) -> None:
    """Let whoever answers hear that the client left."""
    cycle.disconnected = True
    cycle.waiting_for_100_continue = False  # it would say so on a connection that is at its end
    cycle.message_event.set()
