"""Keeps processes at a socket: starts them, hears them, and ends them all. What for is said by who builds on it."""

import asyncio
import signal
import socket
from abc import ABC, abstractmethod
from collections.abc import Sequence

from mserve.errors import ShutdownError, StartupError

from .child import Child
from .config import Settings
from .messages import Order, Stop
from .sockets import listening, spread

_AT_ONCE = 5.0
"""Seconds after a second signal until the processes are killed."""
_BEYOND = 2.0
"""Seconds beyond all that a process may take to end until it is killed: it ends itself, if it can."""
_ENDS = (signal.SIGINT, signal.SIGTERM)


class Supervisor(ABC):
    """What all supervisors do. The first of two signals ends one in the usual time, the second at once."""

    copies = 1
    """Listeners on the one address."""
    signals: tuple[signal.Signals, ...] = ()
    """What it hears besides those that end it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.events: asyncio.Queue[object] = asyncio.Queue()
        self.unclosed: dict[str, None] = {}
        self.is_stopping = False
        self._children: dict[Child, asyncio.Task[None]] = {}

    @abstractmethod
    async def begin(self, listeners: Sequence[socket.socket]) -> None:
        """Start the first processes."""

    @abstractmethod
    async def watch(self) -> None:
        """Put into the events what is to be heard besides, for as long as it goes on."""

    @abstractmethod
    async def hear(self, event: object) -> None:
        """Do what an event asks for: a signal, an exception, what a child said, or what was watched for."""

    @abstractmethod
    def ended(self, child: Child, code: int) -> None:
        """Do what the end of a process asks for."""

    @abstractmethod
    def settle(self) -> None:
        """Begin nothing more, since all of it ends."""

    def run(self) -> None:
        """Serve until a signal; `StartupError` or `LoadError` where that cannot begin, or not go on.

        `ShutdownError` where processes that were served last could not close what they had opened.
        """
        if not hasattr(signal, "SIGHUP"):
            raise StartupError("one process cannot follow another on this system: it takes Linux or macOS")
        self.settings.options()
        asyncio.run(self._run())
        if self.unclosed:
            raise ShutdownError("; ".join(self.unclosed))

    async def start(self, order: Order, *listeners: socket.socket) -> Child:
        """Start a process, and hear it from now on; `StartupError` where the system has no room for one."""
        try:
            child = await Child.start(order, *listeners)
        except OSError as error:
            raise StartupError(f"no process can be started: {error}") from error
        self._children[child] = asyncio.create_task(self._follow(child))
        return child

    async def _run(self) -> None:
        settings = self.settings
        loop = asyncio.get_running_loop()
        for number in (*_ENDS, *self.signals):
            loop.add_signal_handler(number, self.events.put_nowait, number)
        with (
            listening(settings.host, settings.port, settings.uds) as listener,
            spread(listener, self.copies) as listeners,
        ):
            watching = asyncio.create_task(self.watch())
            try:
                await self.begin(listeners)
                while self._children or not self.is_stopping:
                    await self._take(await self.events.get())
            finally:
                watching.cancel()
                self._tell_all_to_stop()
                await asyncio.gather(*self._children.values())
                for child in self._children:
                    child.forget()

    async def _follow(self, child: Child) -> None:
        async for said in child.says():
            self.events.put_nowait((child, said))
        self.events.put_nowait((child, await child.end()))

    async def _take(self, event: object) -> None:
        match event:
            case StartupError():
                raise event
            case signal.Signals() if event in _ENDS:
                self._stop()
            case (Child() as child, int(code)):
                child.forget()
                del self._children[child]
                self.ended(child, code)
            case _:
                await self.hear(event)

    def _stop(self) -> None:
        """End all processes: at first in their usual time, then at once."""
        if not self.is_stopping:
            self.is_stopping = True
            self.settle()
            self._tell_all_to_stop()
            return
        self._signal(signal.SIGTERM)
        asyncio.get_running_loop().call_later(_AT_ONCE, self._signal, signal.SIGKILL)

    def _tell_all_to_stop(self) -> None:
        for child in self._children:
            child.tell(Stop())
        settings = self.settings
        seconds = settings.drain_delay + settings.shutdown_timeout + settings.close_timeout + _BEYOND
        asyncio.get_running_loop().call_later(seconds, self._signal, signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        for child in self._children:
            child.signal(number)
