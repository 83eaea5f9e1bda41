"""`python -m benchmarks.scaling.price CORE-HOUR`: what a million tokens cost, and where limits are, for a load."""

import argparse
import json
import math
from pathlib import Path

from benchmarks.scaling.model import Load
from benchmarks.scaling.report import of_load, ways_of

_DOCS = Path(__file__).parent.parent.parent / "docs" / "performance"


def main() -> None:
    """Say it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling.price", description=__doc__)
    parser.add_argument("price", metavar="CORE-HOUR", type=_more, help="what a core costs for an hour, in any currency")
    for flag, default, what in (
        ("--streams", 100_000.0, "streams at once"),
        ("--rate", 20.0, "tokens a second of each stream"),
        ("--tokens", 400.0, "tokens of a reply"),
    ):
        parser.add_argument(flag, type=_more, default=default, help=f"{what} (%(default)g)")
    asked = parser.parse_args()
    race = json.loads((_DOCS / "race.json").read_text())
    scaling = _DOCS / "scaling.json"
    ways = ways_of(race, json.loads(scaling.read_text()) if scaling.exists() else None)
    print(of_load(ways, Load(streams=asked.streams, rate=asked.rate, tokens=asked.tokens), asked.price))


def _more(text: str) -> float:
    """Read a number above nothing."""
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no number above 0")
    return number


if __name__ == "__main__":
    main()
