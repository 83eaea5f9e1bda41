"""What is made of many numbers: spreads, medians of ratios, and straight lines."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import linear_regression, median, quantiles

Spread = dict[str, float]


def spread(values: Sequence[float]) -> Spread:
    """Give the median, the 99th percentile, the largest and the count; nothing of nothing."""
    if not values:
        return {}
    if len(values) == 1:
        return {"p50": values[0], "p99": values[0], "max": values[0], "count": 1}
    cuts = quantiles(values, n=100, method="inclusive")
    return {"p50": cuts[49], "p99": cuts[98], "max": max(values), "count": len(values)}


def ratio(upper: Mapping[int, float], lower: Mapping[int, float]) -> float | None:
    """Give the median of the ratios within each round that has both."""
    ratios = [upper[number] / lower[number] for number in upper if lower.get(number)]
    return median(ratios) if ratios else None


def middle(values: Sequence[float]) -> float | None:
    """Give the median; None of nothing."""
    return median(values) if values else None


def unevenness(costs: Mapping[int, float]) -> tuple[float, float]:
    """Fit a line through costs by size; give its slope, and how far the steepest or flattest stretch is off, as a part.

    Each stretch between two sizes that follow each other has a slope of its own: of something that is flat, all are
    the same.
    """
    sizes = sorted(costs)
    slope = linear_regression(sizes, [costs[size] for size in sizes]).slope
    stretches = [(costs[b] - costs[a]) / (b - a) for a, b in pairwise(sizes)]
    return slope, max(abs(stretch / slope - 1) for stretch in stretches)


def difference(values: Sequence[float]) -> float:
    """Give how much larger the largest is than the smallest, as a part of the smallest."""
    return max(values) / min(values) - 1
