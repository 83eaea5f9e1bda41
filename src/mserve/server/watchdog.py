"""Measures how late the event loop is, and says which code blocks it. Only watches: it stops and delays nothing."""

import asyncio
import logging
import os
import sys
import sysconfig
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from types import FrameType, TracebackType

log = logging.getLogger("mserve")

_BEAT = 0.1
"""Seconds between two beats of the loop, and between two looks at them."""
_QUIET = 60.0
"""Seconds for which nothing more is said after a warning."""

_WARNING = (
    "the event loop is blocked, and every stream waits, for %.1f s by now: by %s, in %s, line %s. "
    "A serve() that is a plain def gets a thread of its own; an async one can await asyncio.to_thread(...)."
)

_OURS = f"{Path(__file__).parent.parent}{os.sep}"
_LIBRARIES = ("<frozen ", *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")))
_CALLS = {("asyncio.events", "_run"), ("asyncio.runners", "run")}
"""What calls the code that a loop runs: asyncio's own, and uvloop, of which no more is to be seen."""
_WAITS = ("asyncio.base_events", "_run_once")


class Watchdog:
    """Watches the running loop, from its own thread, as long as it is entered.

    `warn_after` is for how many seconds the loop may be blocked before a warning says by whom; 0 for any time.
    """

    def __init__(self, warn_after: float, on_lag: Callable[[float], None]) -> None:
        self._warn_after = warn_after
        self._on_lag = on_lag
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._watched = threading.get_ident()
        self._arm()
        if self._warn_after:
            self._thread = threading.Thread(target=self._watch, name="mserve watchdog", daemon=True)
            self._thread.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _arm(self) -> None:
        self._due = monotonic() + _BEAT
        self._timer = self._loop.call_later(_BEAT, self._beat)

    def _beat(self) -> None:
        self._on_lag(max(0.0, monotonic() - self._due))
        self._arm()

    def _watch(self) -> None:
        pause = _BEAT
        while not self._stopped.wait(pause):
            pause = _QUIET if self._warned(monotonic() - self._due) else _BEAT

    def _warned(self, late: float) -> bool:
        if late <= self._warn_after:
            return False
        frame = blocking(sys._current_frames().get(self._watched))  # noqa: SLF001  # documented, despite its name
        if frame is None:
            return False
        log.warning(_WARNING, late, frame.f_code.co_qualname, frame.f_code.co_filename, frame.f_lineno)
        return True


def blocking(frame: FrameType | None) -> FrameType | None:
    """Give the innermost frame of the user's own code; else what we or the loop called; None of a loop that waits."""
    called: FrameType | None = None
    while frame is not None:
        file = frame.f_code.co_filename
        function = frame.f_globals.get("__name__"), frame.f_code.co_name
        if file.startswith(_OURS) or function in _CALLS:
            return called
        if function == _WAITS:
            return None
        if not file.startswith(_LIBRARIES):
            return frame
        called, frame = frame, frame.f_back
    return None
