"""A supervised process's end of the channel to its supervisor: hears it on a thread, since the loop may be held."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import msgspec

from mserve.web.development import Edit, Fault
from mserve.web.families import Family

from .messages import Answer, Ask, Order, Said, Stop, Sum, Told, Want

_PATIENCE = 2.0
"""Seconds to wait for what all workers counted."""

Counted = Callable[[], tuple[Family, ...]]
"""Gives what this process has counted."""
OnEdit = Callable[[Edit | Fault], None]
"""Told what becomes of the next version."""


class Link(threading.Thread):
    """The channel. `stop` is called when the supervisor wants this process to end, or has ended itself."""

    def __init__(self, channel: socket.socket, stop: Callable[[], None]) -> None:
        super().__init__(name="mserve link", daemon=True)
        self._channel = channel
        self._stop = stop
        self._lines = _lines(channel)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._counted: Counted = tuple
        self._on_edit: OnEdit = lambda _told: None
        self._waiting: list[asyncio.Future[tuple[Family, ...]]] = []
        self._asked: list[asyncio.Future[tuple[Family, ...]]] = []

    def order(self) -> Order | None:
        """Hear what to serve: once, before all else. None where the supervisor has ended before it said so."""
        line = next(self._lines, None)
        return None if line is None else msgspec.json.decode(line, type=Order)

    def answer_with(self, counted: Counted, on_edit: OnEdit) -> None:
        """Answer with these numbers: said before the supervisor hears that this process is ready, and asks."""
        self._loop = asyncio.get_running_loop()
        self._counted, self._on_edit = counted, on_edit

    def tell(self, said: Said) -> None:
        """Tell the supervisor something, unless it has ended."""
        with suppress(OSError):
            self._channel.sendall(msgspec.json.encode(said) + b"\n")

    async def total(self) -> tuple[Family, ...]:
        """Give what all workers have counted by now; `TimeoutError` where the supervisor does not tell."""
        self._loop = asyncio.get_running_loop()
        told: asyncio.Future[tuple[Family, ...]] = self._loop.create_future()
        self._waiting.append(told)
        self._want()
        async with asyncio.timeout(_PATIENCE):
            return await told

    def run(self) -> None:
        """Hear the supervisor."""
        with suppress(OSError):  # closed at this end, where the process ends already
            decoder = msgspec.json.Decoder(Told)
            for line in self._lines:
                self._hear(decoder.decode(line))
            self._stop()

    def _hear(self, told: Told) -> None:
        if isinstance(told, Stop):
            self._stop()
            return
        assert self._loop is not None, "nobody answers a process that neither asked nor is ready"  # noqa: S101
        with suppress(RuntimeError):  # the loop is closed by now
            self._loop.call_soon_threadsafe(self._obey, told)

    def _obey(self, told: Ask | Sum | Edit | Fault) -> None:
        if isinstance(told, Ask):
            self.tell(Answer(told.number, self._counted()))
            return
        if isinstance(told, Edit | Fault):
            self._on_edit(told)
            return
        asked, self._asked = self._asked, []
        for waiting in asked:
            if not waiting.done():
                waiting.set_result(told.families)
        self._want()

    def _want(self) -> None:
        """Ask for a sum, for all who wait: one at a time, and none for who came later than it was begun."""
        if self._waiting and not self._asked:
            self._asked, self._waiting = self._waiting, []
            self.tell(Want())


def _lines(channel: socket.socket) -> Iterator[bytes]:
    kept = b""
    while data := channel.recv(65536):
        *lines, kept = (kept + data).split(b"\n")
        yield from lines
