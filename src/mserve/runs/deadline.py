"""Ends a run that takes too long: to its first event, between two, or in all. One timer, however many events."""

import asyncio
from collections.abc import Callable

from mserve.events import Failure
from mserve.options import Times

TIMEOUT = "timeout"
"""The code of every failure of a program that took too long."""


class Deadline:
    """Watches one run. While the program may not speak, since its reader lags, its silence is not its own."""

    def __init__(self, times: Times, expire: Callable[[Failure], None]) -> None:
        self._times = times
        self._expire = expire
        self._clock = asyncio.get_running_loop().time
        self._timer: asyncio.TimerHandle | None = None
        self._heard = False
        self._since = 0.0  # when the silence began
        self._end = 0.0

    def start(self) -> None:
        """Begin to count: the program starts now."""
        self._since = self._clock()
        self._end = self._since + self._times.run
        self._arm()

    def heard(self) -> None:
        """Note that the program spoke, or that it may speak again."""
        self._since = self._clock()
        if not self._heard:
            self._heard = True
            self._disarm()  # which was set for another patience
            self._arm()

    def held(self) -> None:
        """Note that the program may not speak, until it is `heard` again."""
        self._since = float("inf")

    def stop(self) -> None:
        """Count no more, and let go of who would be told: a run that holds itself is not freed when it ends."""
        self._disarm()
        self._expire = _nobody

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _patience(self) -> float:
        return self._times.between_events if self._heard else self._times.first_event

    def _arm(self) -> None:
        # While it is held, its silence would begin at once, at the earliest.
        due = min(self._end, min(self._since, self._clock()) + self._patience())
        self._timer = asyncio.get_running_loop().call_at(due, self._look)

    def _look(self) -> None:
        now = self._clock()
        if now >= self._end:
            self._expire(_failure(f"The program took more than {self._times.run:g} s."))
        elif now >= self._since + self._patience():
            what = "said nothing more" if self._heard else "did not begin to answer"
            self._expire(_failure(f"The program {what} for {self._patience():g} s."))
        else:
            self._arm()


def _nobody(_failure: Failure) -> None:
    """Hear of nothing: the run has ended."""


def _failure(message: str) -> Failure:
    return Failure(504, message, TIMEOUT)
