"""The places of workers: which process serves in one, which is to follow it, and how long to wait for another."""

import socket
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from .child import Child
from .messages import Stop
from .parts import Part

_PAUSES = (0.5, 30.0)
"""Seconds until a worker is started again that ended soon: at first, doubled each time, and at most."""
_SOON = 10.0
"""Seconds that a worker has to live for its end to be an accident, and no trouble of the program."""


@dataclass(eq=False)
class Slot:
    """The place of one worker, which one process after another takes. Its listener keeps who waits meanwhile."""

    part: Part
    listener: socket.socket
    shares: bool = False
    """Whether the listener is other places', too."""
    serving: Child | None = None
    starting: Child | None = None
    since: float = 0.0
    """When a process began to serve, or none did any more."""
    is_closed: bool = False
    troubles: int = 0
    """How many processes ended soon, one after another."""

    def pause(self) -> float:
        """Give the seconds until the next process shall start."""
        if self.troubles == 0:
            return 0.0
        first, most = _PAUSES
        return min(most, first * 2.0 ** min(self.troubles - 1, 16))

    def drop(self) -> None:
        """Give up a process that is not ready yet."""
        if self.starting is not None:
            self.starting.tell(Stop())
            self.starting = None

    def fill(self, child: Child) -> None:
        """Let a process serve, which takes who waits, and who comes from now on."""
        self.serving, self.starting, self.since, self.is_closed = child, None, monotonic(), False

    def lose(self) -> None:
        """Have no process that serves."""
        self.troubles = self.troubles + 1 if monotonic() - self.since < _SOON else 0
        self.serving, self.since = None, monotonic()

    def close_if_empty(self, seconds: float) -> bool:
        """Let the other places have what comes, where nobody has served here for so long; True where that is new.

        The next process opens it again, since each one listens once it serves. None may listen when it is closed: its
        loop would turn around that without a pause.
        """
        is_empty = self.serving is None and self.starting is None
        if not is_empty or self.shares or self.is_closed or monotonic() - self.since < seconds:
            return False
        self.is_closed = True
        address = self.listener.getsockname()
        self.listener.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):  # it has its port still, unless that was one that the system had chosen
            self.listener.bind(address)
        return True

    def __str__(self) -> str:
        return f"worker {self.part.index + 1}"
