"""The scripts of `python/`: each is run once against a server, by its own environment, and tells its cases as JSON."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent / "python"
ENVIRONMENTS = Path(__file__).parent.parent.parent / ".venv-clients"
LIMIT = 50.0

# What these clients would tell or fetch, where they are let; the guard of `loopback.py` proves that nothing is left.
QUIET = {
    "LANGSMITH_TRACING": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "OTEL_SDK_DISABLED": "true",
    "NO_PROXY": "*",
}

# What the program `agent.py` answers to what the scripts ask.
WORDS = ["You ", "said: ", "Good ", "morning"]
SAID = "You said: Good morning"
RETOLD = "The tools said: rain in Lisbon for 21 days and noon in Lisbon"
FAILED = "The program failed"
WEATHER, CLOCK = '{"city": "Lisbon", "days": 21}', '{"zone": "Lisbon"}'
PIECES = [
    [number, arguments[start : start + 5]]
    for number, arguments in enumerate((WEATHER, CLOCK))
    for start in range(0, len(arguments), 5)
]
TRIP = {"city": "Lisbon", "days": 21, "stops": [{"name": "Lisbon", "booked": True}]}
LEAF: dict[str, Any] = {"name": "Lisbon", "parent": None, "inside": []}
NESTED = {"name": "Lisbon", "parent": LEAF, "inside": [LEAF]}
"""A recursive value, with its outermost reference written out."""


class Environment:
    """One of the sets of clients that can be installed together; `home` is its user's folder, empty at first."""

    def __init__(self, name: str, home: Path) -> None:
        self._python = ENVIRONMENTS / name / "bin" / "python"
        self._home = home
        if not self._python.exists():
            pytest.fail(f"The clients of {name}.lock are not installed: run `make clients`.", pytrace=False)

    def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a script of `python/`, with nothing in its environment but what it needs."""
        variables = {"PATH": str(self._python.parent), "HOME": str(self._home), **QUIET, **(env or {})}
        return subprocess.run(
            [str(self._python), *arguments],
            cwd=FOLDER,
            env=variables,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )


class Told:
    """What the cases of a script saw."""

    def __init__(self, environment: Environment, script: str, *arguments: str) -> None:
        done = environment.run(f"{script}.py", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        self._cases: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        self.errors = done.stderr

    def __call__(self, case: str) -> Any:
        """Give what a case gave; one that threw by surprise is a failed test."""
        told = self._cases[case]
        if isinstance(told, dict) and "uncaught" in told:
            pytest.fail(told["uncaught"], pytrace=False)
        return told
