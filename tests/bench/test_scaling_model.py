import pytest

from benchmarks.scaling.model import ROOM, Bounds, Cost, Load, Point, cores, fit, limits, price_of_a_million

COST = Cost(request=200e-6, token=1e-6, write=30e-6)


def test_costs_are_found_again_in_points_that_were_made_of_them() -> None:
    shapes = [(20, 0), (200, 0), (2000, 7), (60, 60), (10_000, 10_000)]
    found = fit([Point(tokens, writes, COST.of(tokens, writes)) for tokens, writes in shapes])
    assert (found.request, found.token, found.write) == pytest.approx((COST.request, COST.token, COST.write), rel=0.02)


def test_no_cost_is_below_nothing_whatever_was_measured() -> None:
    found = fit([Point(100, 0, 50e-6), Point(200, 0, 200e-6), Point(100, 100, 10e-6)])
    assert min(found.request, found.token, found.write) >= 0


def test_who_was_measured_more_exactly_does_not_drown_who_costs_less() -> None:
    found = fit([Point(20, 0, 220e-6), Point(10_000, 0, 10_200e-6)])
    assert found.of(20, 0) == pytest.approx(220e-6, rel=0.01)


def test_the_nearest_limit_comes_first_and_says_how_many_it_takes() -> None:
    load = Load(streams=100_000, rate=20, tokens=400)
    costs = {"proxy": COST, "ingress": Cost(request=0, token=0, write=300e-6)}
    found = limits(load, costs, {"ingress": 2**20}, Bounds())
    assert [limit.what for limit in found[:2]] == ["CPU of one ingress", "CPU of one proxy"]
    assert found[0].streams == pytest.approx(ROOM / (20 * 300e-6))
    assert found[0].count(100_000) == 858
    assert {limit.what: limit.count(100_000) for limit in found}["memory of one ingress, 4 GiB"] == 25
    assert [limit.streams for limit in found] == sorted(limit.streams for limit in found)


def test_a_million_tokens_cost_what_their_core_hours_cost() -> None:
    load = Load(streams=1000, rate=20, tokens=400)
    busy = 20_000 / 400 * COST.of(400, 400)
    assert cores(load, [COST]) == pytest.approx(busy / ROOM)
    assert price_of_a_million(load, [COST], 0.5) == pytest.approx(1e6 / 20_000 / 3600 * busy / ROOM * 0.5)
    more = Load(streams=100_000, rate=20, tokens=400)
    assert price_of_a_million(more, [COST], 0.5) == pytest.approx(price_of_a_million(load, [COST], 0.5))
