from pathlib import Path
from typing import Any

import pytest

from benchmarks.race import Race, Wanted
from benchmarks.report import BEGIN, END, data_of_charts, markdown, must_reach, write
from benchmarks.summary import Summary, rate


def run(contender: str, number: int, tokens: int, **more: Any) -> dict[str, Any]:
    shares = {"server_busy": 1.0, "client_busy": 0.3}
    counted = {
        "seconds": 2.0,
        "cpu": 2.0,
        "tokens": tokens,
        "replies": tokens / 200,
        "first": {"p50": 0.001, "p99": 0.004},
    }
    return {"round": number, "workload": "burst-16", "contender": contender} | shares | counted | more


def summary(*runs: dict[str, Any]) -> Summary:
    machine = {"CPU": "a fast one"}
    return Summary(
        {"date": "2026-01-01", "machine": machine, "rounds": 3, "seconds": 2, "seed": 1, "absent": {}, "runs": runs}
    )


def line(table: str, name: str) -> list[str]:
    return next([c.strip() for c in row.split("|")[2:-1]] for row in table.splitlines() if row.startswith(f"| {name} "))


def test_a_race_is_told_in_rates_and_in_ratios_within_rounds() -> None:
    tokens = {"ours": (1600, 3000, 1000), "m-serve": (100, 150, 100), "raw": (2000, 2000, 2000)}
    race = summary(*(run(name, number, count) for name in tokens for number, count in enumerate(tokens[name])))
    assert race.median("burst-16", "ours", rate) == 800
    assert race.ratio("burst-16", "ours", "m-serve", rate) == 16  # of 16, 20 and 10
    told = markdown(race, [])
    assert line(told, "burst, 16 streams") == [
        "1,000 (20.0 times, 1.00)",
        "800 (16.0 times, 0.80)",
        "50.0 (1.00 times, 0.05)",
    ]
    table = must_reach(race)
    assert line(table, "burst-16, times `m serve`") == ["16.0", "≥ 15", "≥ 25", "met"]
    assert line(table, "burst-16, share of the raw socket") == ["0.80", "≥ 0.6", "≥ 0.9", "met"]
    assert line(table, "tick-16, times `m serve`")[3] == "not measured"
    assert data_of_charts(race)["throughput"]["lines"]["mserve"] == {"burst-16": 16}


def test_what_is_too_slow_is_not_met() -> None:
    table = must_reach(summary(run("ours", 0, 1000), run("m-serve", 0, 100), run("raw", 0, 1000)))
    assert line(table, "burst-16, times `m serve`") == ["10.0", "≥ 15", "≥ 25", "**not met**"]
    assert line(table, "burst-16, share of the raw socket") == ["1.00", "≥ 0.6", "≥ 0.9", "met, aim too"]


def test_wrong_output_is_no_number() -> None:
    bad = {"round": 0, "workload": "burst-16", "contender": "ours", "wrong": "token 3 is ' w4'"}
    told = markdown(summary(bad, run("raw", 0, 1000)), [])
    assert line(told, "burst, 16 streams")[1] == "wrong output"
    assert "- ours, burst-16, round 1: token 3 is ' w4'" in told


def test_a_client_at_its_limit_is_flagged() -> None:
    told = markdown(summary(run("ours", 0, 1000, client_busy=0.95, server_busy=0.6), run("raw", 0, 1000)), [])
    assert "†" in line(told, "burst, 16 streams")[1]
    assert "†" not in line(told, "burst, 16 streams")[0]


def test_a_machine_that_others_use_is_told_of() -> None:
    told = markdown(summary(run("ours", 0, 1000, server_busy=0.6), run("raw", 0, 1000)), [])
    assert "In 1 of 2 runs that ask without a pause" in told
    assert "without a pause" not in markdown(summary(run("raw", 0, 1000)), [])


def of_ours(workload: str, **told: Any) -> dict[str, Any]:
    return {"round": 0, "workload": workload, "contender": "ours"} | told


def test_each_target_reads_its_own_numbers() -> None:
    def took(workload: str, tokens: int, cpu: float, **more: Any) -> dict[str, Any]:
        return of_ours(workload, tokens=tokens, cpu=cpu, seconds=1.0, **more)

    table = must_reach(
        summary(
            *(took("length-tick", size, 5 + size, size=size) for size in (100, 300, 1000)),
            *(took("length-burst", size, size**2, size=size) for size in (1, 2, 3)),
            *(took("streams", 100, cpu, size=size) for size, cpu in ((16, 1.0), (64, 1.1), (1000, 1.2))),
            took("workers-1", 100, 1.0, processes=[{"cpu": 1.0, "tokens": 100}]),
            took("workers-2", 140, 2, processes=[{"cpu": 0.7, "tokens": 70}, {"cpu": 0.84, "tokens": 70}]),
            of_ours("idle-1", bytes=400),
            of_ours("idle-1", bytes=1000) | {"contender": "m-serve"},
            of_ours("idle-many", held=10_000, lost=1),
            of_ours("paced", tokens=1, seconds=1, cpu=1, first={"p50": 0.002, "p99": 0.03}, gaps={"p99": 0.02}),
        )
    )
    expected = {
        "tick, marginal cost of a token off its line, 100 to 10,000": ("0.00 %", "met"),
        "burst, marginal cost of a token off its line, 100 to 10,000": ("25.0 %", "**not met**"),
        "cost of a token, 16 to 1,000 streams apart": ("20.0 %", "met"),
        "two workers, times one": ("1.40", "met"),
        "each worker's CPU per token, off one alone": ("20.0 %", "**not met**"),
        "idle stream, 1 message, of `m serve`'s": ("0.40", "met, aim too"),
        "idle stream, 100 messages, of `m serve`'s": ("-", "not measured"),
        "idle streams held": ("9,999", "**not met**"),
        "paced, first token p50": ("2.00 ms", "met"),
        "paced, first token p99": ("30.0 ms", "**not met**"),
        "paced, gap p99": ("20.0 ms", "met"),
    }
    assert {name: (line(table, name)[0], line(table, name)[3]) for name in expected} == expected


def test_what_could_not_be_tried_is_told_and_not_measured() -> None:
    race = summary(run("raw", 0, 1000), of_ours("idle-many", skipped="a process may open 1024 files here"))
    assert "10,000 idle streams were not tried: a process may open 1024 files here." in markdown(race, [])
    assert line(must_reach(race), "idle streams held")[3] == "not measured"


def test_the_prose_around_a_report_stays(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Title\n\nBefore.\n\n{BEGIN}\nold\n{END}\n\nAfter.\n")
    write(page, "new")
    write(page, "newer")
    assert page.read_text() == f"# Title\n\nBefore.\n\n{BEGIN}\nnewer\n{END}\n\nAfter.\n"


@pytest.mark.parametrize("contender", ["raw", "ours"])
def test_a_real_server_is_measured_and_all_that_it_says_is_checked(contender: str) -> None:
    wanted = Wanted(rounds=1, seconds=0.3, seed=1, contenders=(contender,), workloads=("burst-16", "whole-1"))
    race = Race(wanted).run()
    assert race["absent"] == {}
    assert {told["workload"]: told.get("wrong") for told in race["runs"]} == {"burst-16": None, "whole-1": None}
    assert all(told["tokens"] > 0 and told["cpu"] >= 0 and told["first"]["p50"] > 0 for told in race["runs"])
