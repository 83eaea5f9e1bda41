"""`python -m benchmarks.scaling.price CORE-HOUR`: what a million tokens cost, and where limits are, for a load."""

import argparse
import json
from pathlib import Path

from benchmarks.scaling.model import Load
from benchmarks.scaling.report import of_load, ways_of

_DOCS = Path(__file__).parent.parent.parent / "docs" / "performance"


def main() -> None:
    """Say it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling.price", description=__doc__)
    parser.add_argument("price", metavar="CORE-HOUR", type=float, help="what a core costs for an hour, in any currency")
    parser.add_argument("--streams", type=float, default=100_000)
    parser.add_argument("--rate", type=float, default=20.0, help="tokens a second of each stream")
    parser.add_argument("--tokens", type=float, default=400.0, help="tokens of a reply")
    asked = parser.parse_args()
    race = json.loads((_DOCS / "race.json").read_text())
    scaling = _DOCS / "scaling.json"
    ways = ways_of(race, json.loads(scaling.read_text()) if scaling.exists() else None)
    print(of_load(ways, Load(streams=asked.streams, rate=asked.rate, tokens=asked.tokens), asked.price))


if __name__ == "__main__":
    main()
