"""Ends a run that takes too long: to its first event, between two, or in all. One timer, however many events."""

from collections.abc import Callable

from msgspec import Struct

from mserve.events import Failure
from mserve.options import Times

from .timers import Timer, Timers

TIMEOUT = "timeout"
"""The code of every failure of a program that took too long."""


class Deadline(Struct, eq=False):
    """Watches one run. What it said and nobody has read yet is no silence of its own."""

    _times: Times
    _quiet_since: Callable[[], float]
    """Gives when the program's last word was read, by the loop's clock."""
    _expire: Callable[[Failure], None]
    _timers: Timers
    _timer: Timer | None = None
    _start: float = 0.0
    _has_begun: bool = False

    def start(self) -> None:
        """Begin to count: the program starts now."""
        times = self._times
        self._start = self._timers.time()
        due = self._start + min(times.first_event, times.between_events, times.run)
        self._timer = self._timers.at(due, self._look)

    def begun(self) -> None:
        """Note that the program has said its first word: the patience is another one from now on."""
        self._has_begun = True

    def stop(self) -> None:
        """Count no more, and let go of who would be told: a run that holds itself is not freed when it ends."""
        if self._timer is not None:
            self._timer.cancel()
        self._expire = _nobody

    def _look(self) -> None:
        times = self._times
        now, end = self._timers.time(), self._start + times.run
        patience = times.between_events if self._has_begun else times.first_event
        since = max(self._start, self._quiet_since())
        if now >= end:
            self._expire(_failure(f"The program took more than {times.run:g} s."))
        elif now >= since + patience:
            what = "said nothing more" if self._has_begun else "did not begin to answer"
            self._expire(_failure(f"The program {what} for {patience:g} s."))
        else:
            # Not later than what its first word would allow from then on: so nothing is to be set when it comes.
            self._timer = self._timers.at(min(end, since + patience, now + times.between_events), self._look)


def _nobody(_failure: Failure) -> None:
    """Hear of nothing: the run has ended."""


def _failure(message: str) -> Failure:
    return Failure(504, message, TIMEOUT)
