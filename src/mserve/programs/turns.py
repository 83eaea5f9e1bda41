"""Tells whether a loop went round, so that a program that never waits is told from one that does."""

import asyncio
from weakref import WeakKeyDictionary


class Rounds:
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


_ROUNDS: WeakKeyDictionary[asyncio.AbstractEventLoop, Rounds] = WeakKeyDictionary()


def rounds() -> Rounds:
    """Give the counter of the running loop."""
    loop = asyncio.get_running_loop()
    found = _ROUNDS.get(loop)
    if found is None:
        found = _ROUNDS[loop] = Rounds()
    return found
