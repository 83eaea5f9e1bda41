"""Ends a process whose programs, lifespans or threads do not end: from threads of its own, as all others may be held.

For processes that are there to serve. It never ends one that has more to do after the server.
"""

import atexit
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from queue import Empty, SimpleQueue
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self

if TYPE_CHECKING:
    import asyncio

log = logging.getLogger("mserve")

_LAST_WORDS = 1.0
"""Seconds to say why: whoever reads the log may have stopped reading it."""
_THREADS = 1.0
"""Seconds that threads get to end once everything is closed."""

_first = threading.RLock()
"""Held by the one thread that sees to the end of this process."""


class LastResort:
    """While entered: ends the process with 1, if that has to end and does not. `loop` is what it may hang in."""

    def __init__(self, loop: "asyncio.AbstractEventLoop") -> None:
        self._loop = loop
        self._orders: SimpleQueue[float | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._wait, name="mserve last resort", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._orders.put(None)

    def within(self, seconds: float) -> None:
        """Give the process so much time at most; of several orders the earliest counts. From signal handlers, too."""
        self._orders.put(monotonic() + seconds)

    def _wait(self) -> None:
        due: float | None = None
        while due is None or due > monotonic():
            with suppress(Empty):
                order = self._orders.get(timeout=None if due is None else max(0.0, due - monotonic()))
                if order is None:
                    return
                due = order if due is None else min(due, order)
        _say(self._tell)
        os._exit(1)

    def _tell(self) -> None:
        import asyncio  # noqa: PLC0415  # loaded long ago where there is a loop; the command line's help needs none

        names = {task.get_name() for task in asyncio.all_tasks(self._loop)}
        left = ", ".join(sorted(name for name in names if name.startswith("mserve ")))
        log.critical("what programs do or close does not end: the process does%s", f" ({left})" if left else "")
        sys.stdout.flush()


@contextmanager
def leaving() -> Iterator[None]:
    """Own this process: it ends by the block's `SystemExit`, and waits for no thread of a program for long."""
    code = 1
    try:
        yield
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else bool(end.code)
        raise
    finally:
        timer = threading.Timer(_THREADS, _leave_threads, [code])
        timer.daemon = True
        timer.start()
        # Python runs it once it has waited for all threads: then there is nothing to leave behind.
        atexit.register(_first.acquire)


def leave(code: int) -> NoReturn:
    """End the process at once, unless it is at its end already. From any thread but the main one."""
    with _first:
        os._exit(code)


def _leave_threads(code: int) -> None:
    """End the process as Python would, were there no threads: exporters and logs are flushed, others' files closed."""
    with _first, ExitStack() as steps:  # from the last to the first, whichever of them fails
        steps.callback(os._exit, code)
        steps.callback(_say, sys.stdout.flush)
        steps.callback(atexit._run_exitfuncs)  # noqa: SLF001  # all other ways to it wait for threads first
        steps.callback(_say, _tell_of_threads)


def _tell_of_threads() -> None:
    names = (thread.name for thread in threading.enumerate() if not thread.daemon)
    left = ", ".join(sorted(name for name in names if name != threading.main_thread().name))
    log.warning("threads do not end though all is closed: they are left behind (%s)", left)


def _say(say: Callable[[], None]) -> None:
    telling = threading.Thread(target=say, daemon=True)
    telling.start()
    telling.join(_LAST_WORDS)
