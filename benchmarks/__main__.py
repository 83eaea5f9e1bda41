"""`python -m benchmarks`, or `make bench`: runs the race, or reads one that was run, and writes it down."""

import argparse
import json
import subprocess
from pathlib import Path

from benchmarks.contestants import CONTENDERS, OTHERS
from benchmarks.race import EXTRAS, Race, Wanted
from benchmarks.report import data_of_charts, markdown, must_reach, write
from benchmarks.scaling.page import written_from
from benchmarks.summary import Summary
from benchmarks.workloads import WORKLOADS
from benchmarks.written import DOCS, kept


def main() -> None:
    """Run what the command line says."""
    arguments = _parser().parse_args()
    race = json.loads(arguments.read.read_text()) if arguments.read else Race(_wanted(arguments)).run()
    folder = kept(race, "race.json", arguments.out)
    summary = Summary(race)
    charts = data_of_charts(summary)
    command = [str(OTHERS), str(Path(__file__).with_name("charts.py")), str(folder / "performance")]
    subprocess.run(command, input=json.dumps(charts), text=True, check=True)
    write(folder / "performance.md", markdown(summary, list(charts)))
    if folder == DOCS:
        written_from(folder)
    print(f"{must_reach(summary)}\n\nAll of it is in {folder / 'performance.md'}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="how long each contender runs each workload")
    parser.add_argument("--seed", type=int, default=1, help="what the order is drawn with")
    names = ", ".join((*CONTENDERS, *WORKLOADS, *EXTRAS))
    parser.add_argument("--only", default="", help=f"some contenders and workloads alone, by commas: {names}")
    parser.add_argument("--out", type=Path, help="the folder to write to; docs after a full race, else build/bench")
    parser.add_argument("--read", type=Path, help="a race.json to write down again, instead of a race")
    return parser


def _wanted(arguments: argparse.Namespace) -> Wanted:
    only = [name for name in arguments.only.split(",") if name]
    if unknown := set(only) - {*CONTENDERS, *WORKLOADS, *EXTRAS}:
        raise SystemExit(f"--only: there is no {', '.join(sorted(unknown))}")
    return Wanted(
        rounds=arguments.rounds,
        seconds=arguments.seconds,
        seed=arguments.seed,
        contenders=tuple(name for name in CONTENDERS if name in only) or tuple(CONTENDERS),
        workloads=tuple(name for name in (*WORKLOADS, *EXTRAS) if name in only) or (*WORKLOADS, *EXTRAS),
    )


if __name__ == "__main__":
    main()
