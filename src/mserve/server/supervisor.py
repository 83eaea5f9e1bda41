"""Serves programs while they are written: each edit starts a new process on the same socket, which takes over.

No request is lost: the process before answers until the new one is ready, and then ends with its last stream.
"""

import asyncio
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path

import msgspec
from msgspec import Struct

from mserve.errors import LoadError, ShutdownError, StartupError
from mserve.programs.load import folder_of

from .config import Settings
from .edits import edits
from .sockets import listening
from .supervised import Failed, Order, Ready

_AT_ONCE = 5.0
"""Seconds after a second signal until the processes are killed."""
_MORE_WATCHES = (
    "on Linux, what is too small may be fs.inotify.max_user_watches or fs.inotify.max_user_instances (raise it by "
    "sysctl), or the limit of open files"
)


class Edited(Struct, frozen=True):
    """Files were changed: a new process starts."""

    files: tuple[Path, ...]


class Died(Struct, frozen=True):
    """The process that served has ended by itself."""

    code: int


class Unclosed(Struct, frozen=True):
    """A version that is served no more could not close what it had opened."""

    reason: str


Told = Ready | Failed | Edited | Died | Unclosed
_Said = Ready | Failed


class _Child:
    """One process that serves, or is about to."""

    def __init__(self, process: Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self.end = process.wait

    @classmethod
    async def start(cls, listener: socket.socket, order: Order) -> "_Child":
        """Start a process on a socket that is open already."""
        ours, theirs = socket.socketpair()
        with theirs:
            files = listener.fileno(), theirs.fileno()
            # -P: its imports find what those of `mserve run` do, and not what happens to lie in this folder.
            command = (sys.executable, "-P", "-m", "mserve.server.supervised", *map(str, files))
            process = await asyncio.create_subprocess_exec(*command, pass_fds=files)
        reader, writer = await asyncio.open_connection(sock=ours)
        writer.write(msgspec.json.encode(order) + b"\n")
        return cls(process, reader, writer)

    async def says(self) -> _Said | None:
        """Wait for what it has to tell; None where it ends first."""
        with suppress(ConnectionError):  # it ended before it read its order
            if line := await self._reader.readline():
                said: _Said = msgspec.json.decode(line, type=_Said)
                return said
        return None

    def signal(self, number: int) -> None:
        """Send a signal, where it still lives."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    def let_go(self) -> None:
        """Tell it to stop, in its usual time. It may still say how that went."""
        self._writer.write_eof()

    def forget(self) -> None:
        """Let go of what was kept for a process that has ended."""
        self._writer.close()


_Event = Edited | StartupError | tuple[_Child, _Said] | tuple[_Child, int] | signal.Signals


class Supervisor:
    """Keeps the newest version of some programs that works at the socket."""

    def __init__(
        self, programs: Sequence[str], names: Sequence[str], settings: Settings, tell: Callable[[Told], None]
    ) -> None:
        """Make a supervisor; `tell` hears what happens."""
        self._order = Order(tuple(programs), tuple(names), settings)
        self._folders = [folder_of(program) for program in programs]
        self._tell = tell
        self._events: asyncio.Queue[_Event] = asyncio.Queue()
        self._children: dict[_Child, asyncio.Task[None]] = {}
        self._starting: _Child | None = None
        self._serving: _Child | None = None
        self._is_stopping = False
        self._unclosed: list[str] = []

    def run(self) -> None:
        """Serve until a signal; `StartupError` or `LoadError` for what no edit of a file can mend.

        `ShutdownError` where the version that was served last could not close what it had opened.
        """
        self._order.settings.options()
        asyncio.run(self._run())
        if self._unclosed:
            raise ShutdownError("; ".join(self._unclosed))

    async def _run(self) -> None:
        settings = self._order.settings
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._events.put_nowait, number)
        with listening(settings.host, settings.port, settings.uds) as listener:
            watching = asyncio.create_task(self._watch())
            try:
                await self._start(listener)
                while self._children or not self._is_stopping:
                    await self._hear(await self._events.get(), listener)
            finally:
                watching.cancel()
                for child in self._children:
                    child.let_go()
                await asyncio.gather(*self._children.values())
                for child in self._children:
                    child.forget()

    async def _watch(self) -> None:
        try:
            async for files in edits(folder for folder in self._folders if folder is not None):
                self._events.put_nowait(Edited(tuple(files)))
        except Exception as error:  # noqa: BLE001  # whatever it is: no edit would be seen any more, and nobody told
            self._events.put_nowait(StartupError(f"the programs' folders cannot be watched: {error}; {_MORE_WATCHES}"))

    async def _start(self, listener: socket.socket) -> None:
        self._starting = child = await _Child.start(listener, self._order)
        self._children[child] = asyncio.create_task(self._follow(child))

    async def _follow(self, child: _Child) -> None:
        while (said := await child.says()) is not None:
            self._events.put_nowait((child, said))
        self._events.put_nowait((child, await child.end()))

    async def _hear(self, event: _Event, listener: socket.socket) -> None:
        match event:
            case Edited() if not self._is_stopping:
                self._tell(event)
                _forget_compiled(event.files)
                self._drop_start()
                await self._start(listener)
            case StartupError():
                raise event
            case (child, Ready() as ready) if child is self._starting:
                self._take_over(child)
                self._tell(ready)
            case (child, Failed() as failed):
                self._tell_failure(child, failed)
            case (child, int(code)):
                self._bury(child, code)
            case signal.Signals():
                self._stop()
            case _:
                pass  # edits at the end, and a process that was ready too late

    def _drop_start(self) -> None:
        """Give up a process that is not ready yet: what it began with is old by now."""
        if self._starting is not None:
            self._starting.let_go()
            self._starting = None

    def _take_over(self, child: _Child) -> None:
        if self._serving is not None:
            self._serving.signal(signal.SIGTERM)
        self._serving, self._starting = child, None

    def _tell_failure(self, child: _Child, failed: Failed) -> None:
        if child is self._starting:
            self._starting = None
            if self._serving is None and failed.is_lasting:
                raise StartupError(failed.reason)
            if self._serving is None and (not self._folders or None in self._folders):
                raise LoadError(failed.reason)
            self._tell(failed)
        elif self._is_stopping:
            self._unclosed.append(failed.reason)
        else:
            self._tell(Unclosed(failed.reason))

    def _bury(self, child: _Child, code: int) -> None:
        child.forget()
        del self._children[child]
        if child is self._starting:
            self._starting = None
            self._tell(Failed(f"the program ended its process while it was loaded, with exit code {code}"))
        elif child is self._serving:
            self._serving = None
            if not self._is_stopping:
                self._tell(Died(code))

    def _stop(self) -> None:
        """End all processes: at first in their usual time, then at once."""
        if not self._is_stopping:
            self._is_stopping = True
            self._drop_start()
            for child in self._children:
                child.let_go()
            return
        self._signal(signal.SIGTERM)
        asyncio.get_running_loop().call_later(_AT_ONCE, self._signal, signal.SIGKILL)

    def _signal(self, number: int) -> None:
        for child in self._children:
            child.signal(number)


def _forget_compiled(files: Sequence[Path]) -> None:
    """Remove what Python compiled of files: it would take it for current while they have the same second and size."""
    for file in files:
        Path(cache_from_source(str(file))).unlink(missing_ok=True)
