"""`python -m benchmarks.scaling`, or `make bench-ray`: workers against Ray, in five minutes, and the page of it."""

import argparse
import json
import signal
import sys
from pathlib import Path

from benchmarks.scaling.contestants import LABELS
from benchmarks.scaling.page import written_from
from benchmarks.scaling.race import Wanted, run
from benchmarks.written import kept


def main() -> None:
    """Run what the command line says."""
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that all that was started ends, too
    scaling = json.loads(arguments.read.read_text()) if arguments.read else run(_wanted(arguments))
    folder = kept(scaling, "scaling.json", arguments.out)
    print(f"All of it is in {written_from(folder)}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench-ray ARGS=...", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.2, help="how long each contestant runs each workload")
    parser.add_argument("--limit", type=float, default=290.0, help="seconds after which no turn begins")
    parser.add_argument("--seed", type=int, default=1, help="what the order is drawn with")
    parser.add_argument("--only", default="", help=f"some contestants alone, by commas: {', '.join(LABELS)}")
    parser.add_argument("--out", type=Path, help="the folder to write to; docs after a full race, else build/bench")
    parser.add_argument("--read", type=Path, help="a scaling.json to write down again, instead of a race")
    return parser


def _wanted(arguments: argparse.Namespace) -> Wanted:
    only = [name for name in arguments.only.split(",") if name]
    if unknown := set(only) - set(LABELS):
        raise SystemExit(f"--only: there is no {', '.join(sorted(unknown))}")
    return Wanted(
        rounds=arguments.rounds,
        seconds=arguments.seconds,
        limit=arguments.limit,
        seed=arguments.seed,
        contestants=tuple(name for name in LABELS if name in only) or tuple(LABELS),
    )


if __name__ == "__main__":
    main()
