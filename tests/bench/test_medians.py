import pytest

from benchmarks.medians import difference, middle, ratio, spread, unevenness


def test_a_spread_has_its_median_its_99th_percentile_and_its_largest() -> None:
    assert spread([float(number) for number in range(101)]) == {"p50": 50, "p99": 99, "max": 100, "count": 101}
    assert spread([4.0]) == {"p50": 4, "p99": 4, "max": 4, "count": 1}
    assert spread([]) == {}


def test_a_ratio_is_the_median_of_the_rounds_ratios_and_not_the_ratio_of_medians() -> None:
    assert ratio({0: 10, 1: 30, 2: 100}, {0: 10, 1: 10, 2: 50}) == 2
    assert ratio({0: 10, 1: 30}, {1: 10, 2: 5}) == 3  # one round alone has both
    assert ratio({0: 10}, {0: 0}) is None
    assert ratio({}, {0: 1}) is None


def test_there_is_no_median_of_nothing() -> None:
    assert middle([3, 1, 2]) == 2
    assert middle([]) is None


def test_costs_on_a_line_are_even_whatever_a_reply_costs_to_begin() -> None:
    assert unevenness({size: 50 + 2 * size for size in (100, 300, 1000)}) == pytest.approx((2, 0))


def test_costs_that_bend_are_uneven_by_their_worst_stretch() -> None:
    slope, off = unevenness({0: 0, 1: 1, 2: 2, 3: 5})
    assert slope == pytest.approx(1.6)
    assert off == pytest.approx(3 / 1.6 - 1)


def test_a_difference_is_the_largest_against_the_smallest() -> None:
    assert difference([2.0, 3.0, 2.5]) == pytest.approx(0.5)
