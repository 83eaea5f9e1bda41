"""A server process that a supervisor started: it serves on the socket that it was handed, and tells how that went.

`python -m mserve.server.supervised CHANNEL LISTENER`, both numbers of open files. It prints nothing of its own.
"""

import signal
import socket
import sys
import threading
from collections.abc import Callable
from types import FrameType

from mserve.errors import LoadError, MserveError, StartupError
from mserve.programs.user import load
from mserve.web.app import App
from mserve.web.observe import set_up_telemetry

from .config import Settings
from .leaving import leave, leaving
from .link import Link
from .messages import Answer, Failed, Leaving, Order, Ready
from .uvicorn_config import set_up_logs
from .worker import OnReady, Worker


class Supervised(Worker):
    """A worker whose successor takes the requests that it no longer does."""

    moment = 0.05
    is_patient = True
    _was_interrupted = False

    def __init__(self, app: App, settings: Settings, on_ready: OnReady, on_leaving: Callable[[], None]) -> None:
        super().__init__(app, settings, on_ready)
        self._on_leaving = on_leaving

    def stop(self) -> None:
        """End, and give open requests the usual time. Again: nothing."""
        self.is_patient = False
        self.should_exit = True
        self._must_end(self._longest_end)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End, and tell so at once: open requests may take long."""
        self._on_leaving()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal: a first SIGTERM is for a successor's sake, and leaves the open requests their time.

        Ctrl-C reaches this process as it reaches the supervisor, which then wants it to stop, too: that is one wish.
        """
        if sig == signal.SIGINT and not self._was_interrupted:
            self._was_interrupted = True
            self.stop()
        else:
            super().handle_exit(sig, frame)


class _Leash:
    """Ends this process, however far it is."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._worker: Supervised | None = None

    def hold(self, worker: Supervised) -> None:
        with self._lock:
            self._worker = worker

    def pull(self) -> None:
        with self._lock:
            if self._worker is None:
                leave(0)  # still loading: nothing is open that would have to be closed
            self._worker.stop()


def main(channel_file: int, listener_file: int) -> int:
    """Serve until told to stop; give the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback of a Ctrl-C that comes while the program loads
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    with socket.socket(fileno=listener_file) as listener, socket.socket(fileno=channel_file) as channel:
        for handed in (listener, channel):
            handed.set_inheritable(False)
        leash = _Leash()
        link = Link(channel, leash.pull)
        order = link.order()
        if order is None:
            return 0
        link.start()
        if order.part.of > 1:
            signal.signal(signal.SIGHUP, _unmoved)
        app: App | None = None
        worker: Supervised | None = None
        try:
            set_up_logs(order.settings)
            app = _app(order)
            set_up_telemetry()  # as the worker will; here, its failure is told from a lifespan's
            worker = _worker(app, order, link)
            leash.hold(worker)
            worker.run_forever([listener])
        except MserveError as error:
            is_lasting = worker is None and isinstance(error, StartupError)
            link.tell(Failed(str(error), is_lasting=is_lasting, is_load=isinstance(error, LoadError)))
            return 3
        finally:
            if app is not None:
                link.tell(Answer(0, app.counted()))
    return 0


def _app(order: Order) -> App:
    programs = [order.part.of_program(program) for program in load(*order.programs, names=order.names)]
    return App(programs, order.part.of_settings(order.settings).options(), develops=order.develops)


def _worker(app: App, order: Order, link: Link) -> Supervised:
    names = tuple(program.name for program in app.programs)

    def ready(base_url: str) -> None:
        link.answer_with(app.counted, app.tell)
        link.tell(Ready(names, base_url))

    worker = Supervised(app, order.part.of_settings(order.settings), ready, lambda: link.tell(Leaving()))
    worker.answers_early = order.answers_early
    if order.part.of > 1:
        app.count_as_one(link.total)
    return worker


def _unmoved(_number: int, _frame: FrameType | None) -> None:
    """Leave SIGHUP to the supervisor, where a whole group of processes gets it."""


if __name__ == "__main__":
    with leaving():
        sys.exit(main(*map(int, sys.argv[1:])))
