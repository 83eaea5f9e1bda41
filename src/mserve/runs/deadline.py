"""Ends a run that takes too long: to its first event, between two, or in all. One timer, however many events."""

import asyncio
from collections.abc import Callable

from mserve.events import Failure
from mserve.options import Times

TIMEOUT = "timeout"
"""The code of every failure of a program that took too long."""


class Deadline:
    """Watches one run. What it said and nobody has read yet is no silence of its own."""

    __slots__ = ("_clock", "_end", "_expire", "_has_begun", "_quiet_since", "_start", "_timer", "_times")

    def __init__(self, times: Times, quiet_since: Callable[[], float], expire: Callable[[Failure], None]) -> None:
        """Make one; `quiet_since` gives when the program's last word was read, by the loop's clock."""
        self._times = times
        self._quiet_since = quiet_since
        self._expire = expire
        self._clock = asyncio.get_running_loop().time
        self._timer: asyncio.TimerHandle | None = None
        self._has_begun = False
        self._start = 0.0
        self._end = 0.0

    def start(self) -> None:
        """Begin to count: the program starts now."""
        self._start = self._clock()
        self._end = self._start + self._times.run
        self._arm(self._start)

    def begun(self) -> None:
        """Note that the program has said its first word: the patience is another one from now on."""
        self._has_begun = True
        self._disarm()
        self._arm(self._clock())

    def stop(self) -> None:
        """Count no more, and let go of who would be told: a run that holds itself is not freed when it ends."""
        self._disarm()
        self._expire = _nobody

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _patience(self) -> float:
        return self._times.between_events if self._has_begun else self._times.first_event

    def _arm(self, since: float) -> None:
        due = min(self._end, since + self._patience())
        self._timer = asyncio.get_running_loop().call_at(due, self._look)

    def _look(self) -> None:
        now = self._clock()
        since = max(self._start, self._quiet_since())
        if now >= self._end:
            self._expire(_failure(f"The program took more than {self._times.run:g} s."))
        elif now >= since + self._patience():
            what = "said nothing more" if self._has_begun else "did not begin to answer"
            self._expire(_failure(f"The program {what} for {self._patience():g} s."))
        else:
            self._arm(since)


def _nobody(_failure: Failure) -> None:
    """Hear of nothing: the run has ended."""


def _failure(message: str) -> Failure:
    return Failure(504, message, TIMEOUT)
