"""Shares a loop's time among programs: one that always has more to say lets the others go on, now and then."""

import asyncio
from time import monotonic
from weakref import WeakKeyDictionary

TURN = 0.002
"""Seconds for which a program that never waits may keep the loop from everybody else."""


class Turn:
    """One program's time. Who uses it looks at the clock at each step; once it is over, it pauses."""

    __slots__ = ("_begun", "_rounds", "due")

    def __init__(self) -> None:
        self._rounds = _rounds()
        self._begin()

    def is_over(self) -> bool:
        """Tell whether the program has had its time, and nobody else had any since."""
        if monotonic() < self.due:
            return False
        if self._begun == self._rounds.count:
            return True
        self._begin()  # others had theirs
        return False

    async def pause(self) -> None:
        """Let the others go on."""
        await asyncio.sleep(0)
        self._begin()

    def _begin(self) -> None:
        self._begun = self._rounds.begin()
        self.due = monotonic() + TURN
        """When to ask whether it is over."""


class _Rounds:
    """Counts the rounds of a loop, at least those that somebody waits for. One for all programs: each asks often."""

    __slots__ = ("_is_counting", "count")

    def __init__(self) -> None:
        self.count = 0
        self._is_counting = False

    def begin(self) -> int:
        """Give the count; it will be another one as soon as the loop has gone round."""
        if not self._is_counting:
            self._is_counting = True
            asyncio.get_running_loop().call_soon(self._end)
        return self.count

    def _end(self) -> None:
        self.count += 1
        self._is_counting = False


_ROUNDS: WeakKeyDictionary[asyncio.AbstractEventLoop, _Rounds] = WeakKeyDictionary()


def _rounds() -> _Rounds:
    """Give the counter of the running loop."""
    loop = asyncio.get_running_loop()
    found = _ROUNDS.get(loop)
    if found is None:
        found = _ROUNDS[loop] = _Rounds()
    return found
