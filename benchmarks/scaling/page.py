"""Writes docs/scaling.md from what was measured, whichever of both races brought something new."""

import json
from pathlib import Path
from typing import Any

from benchmarks.report import write
from benchmarks.scaling.report import markdown
from benchmarks.written import DOCS


def written_from(folder: Path) -> Path:
    """Write the page of a folder; what it does not have of a race is taken from the documentation's, if that has it."""
    race, scaling = (_found(folder, name) for name in ("race.json", "scaling.json"))
    if race is None:
        raise SystemExit("make bench comes first: there is no race.json")
    page = folder / "scaling.md"
    write(page, markdown(race, scaling))
    return page


def _found(folder: Path, name: str) -> dict[str, Any] | None:
    for place in (folder, DOCS):
        file = place / "performance" / name
        if file.exists():
            found: dict[str, Any] = json.loads(file.read_text())
            return found
    return None
