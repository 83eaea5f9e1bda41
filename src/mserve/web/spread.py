"""Counts how often a value falls into which range. For what happens at each write: a library's would cost a token."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate


class Spread:
    """A histogram. On one thread alone: it takes no lock."""

    __slots__ = ("_bounds", "_counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.sum = 0.0
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)

    def add(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.sum += value

    def buckets(self) -> Iterator[tuple[str, float]]:
        """Give how many values were at most as large as each bound, the last of which is `+Inf`."""
        names = [*map(str, self._bounds), "+Inf"]
        return zip(names, map(float, accumulate(self._counts)), strict=True)
