"""What a token, a request and an idle stream cost, counted. `make costs` writes it down anew, into `costs.json`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
COSTS: dict[str, float] = json.loads(Path(__file__).with_name("costs.json").read_text())
MORE = 1.08
"""One call more for each token that goes the short way is more than this."""
LESS = 0.8
"""Python 3.12 and 3.13 need up to a tenth less than 3.11, which the costs were counted on."""


@pytest.fixture(scope="module")
def counted() -> dict[str, float]:
    # Coverage traces, too: it would count itself, or be switched off.
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    command = [sys.executable, "-m", "tests.costs.counting"]
    done = subprocess.run(command, stdout=subprocess.PIPE, cwd=ROOT, env=env, check=True)
    costs: dict[str, float] = json.loads(done.stdout)
    return costs


def test_all_that_is_counted_is_written_down_and_nothing_else(counted: dict[str, float]) -> None:
    assert list(counted) == list(COSTS)


@pytest.mark.parametrize("name", COSTS)
def test_nothing_costs_more_than_was_written_down(counted: dict[str, float], name: str) -> None:
    assert counted[name] <= COSTS[name] * MORE


@pytest.mark.parametrize("name", COSTS)
def test_what_costs_much_less_by_now_has_a_bound_that_is_as_low(counted: dict[str, float], name: str) -> None:
    assert counted[name] >= COSTS[name] * LESS, "make costs"
