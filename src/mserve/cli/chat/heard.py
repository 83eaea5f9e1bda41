"""Sees to it that a signal is heard at a prompt: readline overlooks one that comes just before it begins to wait."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_PAUSE = 0.05
"""Seconds that a signal gets to be heard by itself."""


@contextmanager
def heard() -> Iterator[None]:
    """Wake readline up after a signal, for as long as this is entered: it looks for one only when it is woken."""
    ours, theirs = socket.socketpair()
    theirs.settimeout(0)
    waiting = threading.get_ident()
    over = threading.Event()

    def nudge() -> None:
        if ours.recv(1):
            while not over.wait(_PAUSE):
                signal.pthread_kill(waiting, signal.SIGWINCH)  # which does nothing but that

    thread = threading.Thread(target=nudge, daemon=True)
    with ours:
        with theirs:
            before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
            thread.start()
            try:
                yield
            finally:
                over.set()
                signal.set_wakeup_fd(before)
        thread.join()
