"""A process that a supervisor started, as the supervisor sees it: what it says, and how it ends."""

import asyncio
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import msgspec

from .messages import Order, Said, Told

_LONGEST_LINE = 64 * 1024 * 1024
"""Bytes: what is counted grows with the number of programs."""
_LAST_WORDS = 0.1
"""Seconds in which is read what a process said before it ended."""


def command_of(files: Iterable[int]) -> tuple[str, ...]:
    """Give what starts a server that is told what to serve, with its open files: its channel, then its listeners.

    -P: its imports find what those of `mserve run` do, and not what happens to lie in this folder.
    """
    return (sys.executable, "-P", "-m", "mserve.server.supervised", *map(str, files))


class Child:
    """One process that serves, or is about to."""

    def __init__(self, process: Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self.pid = process.pid
        self.end = process.wait

    @classmethod
    async def start(cls, order: Order, *listeners: socket.socket) -> "Child":
        """Start a process on sockets that are open already, the first of which is its own."""
        ours, theirs = socket.socketpair()
        with theirs, ExitStack() as undo:
            undo.callback(ours.close)
            files = theirs.fileno(), *(listener.fileno() for listener in listeners)
            with _without_interrupts():
                process = await asyncio.create_subprocess_exec(*command_of(files), pass_fds=files)
            undo.pop_all()
        reader, writer = await asyncio.open_connection(sock=ours, limit=_LONGEST_LINE)
        writer.write(msgspec.json.encode(order) + b"\n")
        return cls(process, reader, writer)

    async def says(self) -> AsyncIterator[Said]:
        """Give what it has to tell, until it ends."""
        decoder = msgspec.json.Decoder(Said)
        ending = asyncio.create_task(self._hang_up())
        try:
            with suppress(ConnectionError):  # it ended before it read its order
                while (line := await self._reader.readline()).endswith(b"\n"):  # else it ended while it said that
                    yield decoder.decode(line)
        except msgspec.DecodeError:
            self.signal(signal.SIGKILL)  # something in it writes where it should not: nothing can be heard any more
        finally:
            ending.cancel()

    async def _hang_up(self) -> None:
        """Hear no more once it has ended: processes that its program forked may hold the channel open."""
        await self.end()
        await asyncio.sleep(_LAST_WORDS)
        self._writer.transport.abort()

    def tell(self, told: Told) -> None:
        """Tell it something; nothing, where it does not listen any more."""
        self._writer.write(msgspec.json.encode(told) + b"\n")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, where it still lives."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    def forget(self) -> None:
        """Let go of what was kept for a process that has ended."""
        self._writer.close()


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Let a process begin with Ctrl-C held back until it takes one: its imports would break off in a traceback."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
