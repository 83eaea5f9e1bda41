"""The simulation against what was measured: whoever brings a new race sees here whether the model still holds."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.report import BEGIN, END
from benchmarks.scaling.points import Measured, fitted, points_of_race, points_of_scaling
from benchmarks.scaling.race import WORKLOADS
from benchmarks.scaling.report import NOT_YET, WITHIN, markdown

DOCS = Path(__file__).parent.parent.parent / "docs"
RACE = json.loads((DOCS / "performance" / "race.json").read_text())
MEASURED = DOCS / "performance" / "scaling.json"
SCALING = json.loads(MEASURED.read_text()) if MEASURED.exists() else None
KNOWN = {
    "replies of 300 tokens": 0.3,
    "--workers 2`: burst": 0.5,
    "--workers 2`: whole": 0.3,
    "kept in PostgreSQL: whole": 0.7,
}
"""What the model is known to miss by more, and by how much at most: docs/scaling.md says why."""

QUICK = RACE | {"runs": [run for run in RACE["runs"] if run["workload"] == "burst-16"]}
"""One point of it, for what is not told of points: each is simulated anew wherever it is told."""

POINTS = [*points_of_race(RACE), *(points_of_scaling(SCALING) if SCALING else ())]


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.label)
def test_the_simulation_says_what_was_measured(point: Measured) -> None:
    within = next((off for what, off in KNOWN.items() if what in point.label), WITHIN)
    seen = point.simulated()
    assert seen.rate == pytest.approx(point.rate, rel=within)
    if "mserve on one core" in point.label:  # a core that is its own: how busy it was is exact
        assert sum(seen.busy.values()) - seen.busy["client"] == pytest.approx(point.busy, rel=within)


def test_what_was_measured_is_told_of_one_server_at_the_least() -> None:
    assert len(POINTS) >= 13


def run(contestant: str, workload: str, rate: float, number: int = 0, **cpu: float) -> dict[str, Any]:
    """A run of a second, whose parts took so many µs for each token."""
    by = {part: each * rate / 1e6 for part, each in cpu.items()}
    seen = {"p50": 0.002, "p99": 0.02, "max": 0.03, "count": 9}
    told = {"round": number, "workload": workload, "contestant": contestant, "seconds": 1.0, "client_busy": 0.01}
    return told | {"tokens": rate, "replies": 1, "first": seen, "gaps": seen, "cpu_by": by}


def scaling(*runs: dict[str, Any], absent: dict[str, str] | None = None) -> dict[str, Any]:
    machine = {"CPU": "a fast one", "cores": "2"}
    return {
        "date": "2026-01-01",
        "machine": machine,
        "rounds": 1,
        "is_full": True,
        "absent": absent or {},
        "runs": runs,
    }


ONE = scaling(
    run("workers-1", "burst-64", 100_000, server=10),
    run("workers-1", "paced-50", 1000, server=100),
    run("ray-1", "burst-64", 10_000, proxy=20, ingress=40, replica=20, rest=10),
    run("ray-1", "paced-50", 1000, proxy=200, ingress=400, replica=200, rest=100),
    run("direct-1", "burst-64", 20_000, ingress=30, replica=20),
    run("direct-1", "paced-50", 1000, ingress=300, replica=200),
    {"round": 0, "workload": "idle", "contestant": "ray-1", "bytes_by": {"proxy": 5000.0}, "at_rest": {"rest": 0.1}},
)


def test_each_part_has_its_own_costs_and_the_housekeeping_none() -> None:
    found = fitted(ONE)
    assert set(found) == {"workers", "ray", "direct"}
    assert set(found["ray"].costs) == {"proxy", "ingress", "replica"}
    assert found["ray"].costs["ingress"].of(60, 60) == pytest.approx(60 * 400e-6, rel=0.01)
    assert found["ray"].bytes_by == {"proxy": 5000.0}
    assert found["ray"].at_rest == 0.1


def test_who_fell_behind_the_pace_says_nothing_of_what_a_write_costs() -> None:
    behind = run("ray-1", "paced-100", 500, proxy=1000, ingress=2000, replica=1000)
    assert fitted(scaling(*ONE["runs"], behind))["ray"] == fitted(ONE)["ray"]


def test_the_proxy_s_share_is_named_in_time_and_in_tokens() -> None:
    told = markdown(QUICK, ONE)
    assert (
        "burst, 64 streams: 22% of the CPU is the proxy's, and the ingress asked without it answers 2.00 times" in told
    )
    assert "50 ms a token, 50 streams: 22% of the CPU is the proxy's" in told
    assert "| `mserve deploy --replicas 1` | 10,000 (0.10) |" in told
    assert "| `mserve deploy --replicas 1` | burst, 64 streams | - | 20.0 | 40.0 | 20.0 | - | 10.0 |" in told


def test_limits_are_told_for_each_way_that_was_measured() -> None:
    told = markdown(QUICK, ONE)
    ray = told.partition("`mserve deploy`, the nearest limit first:")[2]
    assert [line.split(" | ")[0] for line in ray.splitlines()[4:6]] == ["| CPU of one ingress", "| CPU of one proxy"]
    assert "### What a million tokens cost" in told


def test_what_went_wrong_and_who_was_absent_is_told() -> None:
    bad = {"round": 1, "workload": "burst-64", "contestant": "ray-2", "wrong": "token 3 is ' w4'"}
    told = markdown(QUICK, scaling(*ONE["runs"], bad, absent={"kept-1": "no PostgreSQL"}))
    assert "`mserve deploy --replicas 2`, burst-64, round 2: token 3 is ' w4'" in told
    assert "all kept in PostgreSQL could not be started: `no PostgreSQL`" in told


def test_without_a_race_it_says_that_nothing_was_measured_yet() -> None:
    assert NOT_YET in markdown(QUICK, None)
    assert NOT_YET not in markdown(QUICK, ONE)


def test_the_page_says_what_the_races_say() -> None:
    page = (DOCS / "scaling.md").read_text()
    assert page.partition(BEGIN)[2].partition(END)[0].strip() == markdown(RACE, SCALING)


def test_each_workload_is_a_wish_of_the_program() -> None:
    assert [(what.tokens, what.pause) for what in WORKLOADS.values()] == [(200, 0), (20, 0), (60, 0.05), (60, 0.05)]
