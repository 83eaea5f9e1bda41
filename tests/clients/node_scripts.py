"""The scripts of `node/`: each is run once against a server, as a Node process, and tells its cases as JSON."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent / "node"
LIMIT = 45.0


class Scripts:
    """What the scripts tell of one server; `arguments` follow its URL on each script's command line."""

    def __init__(self, base_url: str, *arguments: str) -> None:
        if not (FOLDER / "node_modules").is_dir():
            pytest.fail("The clients of Node are not installed: run `npm ci` in tests/clients/node.", pytrace=False)
        self._arguments = (base_url, *arguments)
        self._told: dict[str, dict[str, Any] | str] = {}

    def __call__(self, script: str, case: str) -> Any:
        """Give what a case gave; one that threw by surprise is a failed test, and so is a script that gave nothing."""
        if script not in self._told:
            self._told[script] = self._run(script)
        told = self._told[script]
        if isinstance(told, str):
            pytest.fail(f"{script}.js: {told}", pytrace=False)
        given = told[case]
        if isinstance(given, dict) and "uncaught" in given:
            pytest.fail(f"{case} of {script}.js threw {given['uncaught']}", pytrace=False)
        return given

    def _run(self, script: str) -> dict[str, Any] | str:
        """Give what all cases gave, or what was wrong with the script: it is not run again."""
        node = shutil.which("node")
        if node is None:
            return "there is no `node` on the path: these tests need Node 20 or newer."
        command = [node, f"{script}.js", *self._arguments]
        try:
            done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=LIMIT, check=False)
        except subprocess.TimeoutExpired:
            return f"it did not end in {LIMIT} s."
        if done.returncode != 0 or done.stderr:
            return f"it ended with {done.returncode} and said: {done.stderr}"
        told: dict[str, Any] = json.loads(done.stdout)
        return told
