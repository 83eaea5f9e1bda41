"""A server process that a supervisor started: it serves on the socket that it was handed, and tells how that went.

`python -m mserve.server.supervised LISTENER CHANNEL`, both numbers of open files. It prints nothing of its own.
"""

import signal
import socket
import sys
import threading
from contextlib import suppress
from types import FrameType

import msgspec
from msgspec import Struct

from mserve.errors import MserveError, StartupError
from mserve.web.app import create_app
from mserve.web.observe import set_up_telemetry

from .config import Settings
from .leaving import leave, leaving
from .uvicorn_config import set_up_logs
from .worker import Worker


class Order(Struct, frozen=True):
    """What to serve: the one thing that a supervisor says."""

    programs: tuple[str, ...]
    names: tuple[str, ...]
    settings: Settings


class Ready(Struct, frozen=True, tag=True):
    """The process serves these programs, there."""

    names: tuple[str, ...]
    base_url: str


class Failed(Struct, frozen=True, tag=True):
    """The process could not begin, or not close what it had opened."""

    reason: str
    is_lasting: bool = False
    """Whether other programs could not help either: a file of keys that is not there, for one."""


class Supervised(Worker):
    """A worker whose successor takes the requests that it no longer does."""

    answers_early = False
    is_patient = True
    _was_interrupted = False

    def stop(self) -> None:
        """End, and give open requests the usual time. Again: nothing."""
        self.is_patient = False
        self.should_exit = True
        self._must_end(self._longest_end)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal: a first SIGTERM is for a successor's sake, and leaves the open requests their time.

        Ctrl-C reaches this process as it reaches the supervisor, which then wants it to stop, too: that is one wish.
        """
        if sig == signal.SIGINT and not self._was_interrupted:
            self._was_interrupted = True
            self.stop()
        else:
            super().handle_exit(sig, frame)


class _Leash(threading.Thread):
    """Ends this process when its supervisor has ended, or wants it to: then the channel closes."""

    def __init__(self, channel: socket.socket) -> None:
        super().__init__(name="mserve leash", daemon=True)
        self._channel = channel
        self._lock = threading.Lock()
        self._worker: Supervised | None = None

    def hold(self, worker: Supervised) -> None:
        with self._lock:
            self._worker = worker

    def run(self) -> None:
        with suppress(OSError):  # closed at this end, where the process ends already
            self._channel.recv(1)
            with self._lock:
                if self._worker is None:
                    leave(0)  # still loading: nothing is open that would have to be closed
                self._worker.stop()


def main(listener_file: int, channel_file: int) -> int:
    """Serve until told to stop; give the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback of a Ctrl-C that comes while the program loads
    with socket.socket(fileno=listener_file) as listener, socket.socket(fileno=channel_file) as channel:
        for handed in (listener, channel):
            handed.set_inheritable(False)
        with channel.makefile("rb", buffering=0) as orders:
            order = msgspec.json.decode(orders.readline(), type=Order)
        leash = _Leash(channel)
        leash.start()
        worker: Supervised | None = None
        try:
            set_up_logs(order.settings)
            app = create_app(*order.programs, names=order.names, options=order.settings.options())
            set_up_telemetry()  # as the worker will; here, its failure is told from a lifespan's
            names = tuple(program.name for program in app.programs)
            worker = Supervised(app, order.settings, lambda base_url: _tell(channel, Ready(names, base_url)))
            leash.hold(worker)
            worker.run_forever([listener])
        except MserveError as error:
            _tell(channel, Failed(str(error), is_lasting=worker is None and isinstance(error, StartupError)))
            return 3
    return 0


def _tell(channel: socket.socket, told: Ready | Failed) -> None:
    with suppress(OSError):  # the supervisor has ended
        channel.sendall(msgspec.json.encode(told) + b"\n")


if __name__ == "__main__":
    with leaving():
        sys.exit(main(*map(int, sys.argv[1:])))
