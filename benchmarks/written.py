"""Writes down what a race brought, where it belongs: beside the documentation, if it was a whole one."""

import json
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent.parent / "docs"
_ELSEWHERE = DOCS.parent / "build" / "bench"


def kept(race: dict[str, Any], name: str, out: Path | None) -> Path:
    """Write a race into `performance/` of a folder, `out` where it is given; give the folder."""
    # A part of the race is no news for the documentation.
    folder = out or (DOCS if race["is_full"] else _ELSEWHERE)
    (folder / "performance").mkdir(parents=True, exist_ok=True)
    (folder / "performance" / name).write_text(_lines(race))
    return folder


def _lines(race: dict[str, Any]) -> str:
    """Give JSON with a line for each run."""
    runs = ",\n".join(json.dumps(run) for run in race["runs"])
    head = json.dumps(race | {"runs": []}, indent=1)
    return head.replace('"runs": []', f'"runs": [\n{runs}\n]') + "\n"
