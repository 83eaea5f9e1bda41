"""The places of workers: which process serves in one, which is to follow it, and how long to wait for another."""

import socket
from dataclasses import dataclass

from .child import Child
from .messages import Stop
from .parts import Part

_PAUSES = (0.5, 30.0)
"""Seconds until a worker is started again that ended soon: at first, doubled each time, and at most."""


@dataclass(eq=False)
class Slot:
    """The place of one worker, which one process after another takes. Its listener keeps who waits meanwhile."""

    part: Part
    listener: socket.socket
    serving: Child | None = None
    starting: Child | None = None
    since: float = 0.0
    """When the process began to serve."""
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

    def __str__(self) -> str:
        return f"worker {self.part.index + 1}"
