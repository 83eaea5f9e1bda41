import asyncio
import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cyclopts import CycloptsError

from mserve.cli.app import app
from mserve.events import (
    AudioDelta,
    Citation,
    Failure,
    Finish,
    ReasoningDelta,
    RefusalDelta,
    Said,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from mserve.store.base import Append, Batch, End, Status
from mserve.store.codec import encode
from mserve.store.opening import open_store
from postgres import Postgres
from store.stored import a_run, append

NOW = int(time.time())
EVERYTHING: list[Said] = [
    ReasoningDelta("hm\x1b[31m"), "two\nlines\t", "é\x1b]0;owned\x07", RefusalDelta("never"),
    ToolCallStart("c", "look"), ToolCallDelta("c", '{"at":'), ToolCallDelta("c", "1}"),
    Citation("https://a.example", "A", 0, 1), AudioDelta(b"abc", "spoken"), Usage(7, 9), Finish("tool_calls"),
]  # fmt: skip


def mserve(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mserve", "store", *arguments],
        capture_output=True, text=True, timeout=30, check=False, env=os.environ | environment,
    )  # fmt: skip


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with runs of all kinds, which no test changes."""
    url = f"sqlite:///{tmp_path_factory.mktemp('store')}/runs.db"
    asyncio.run(_fill(url))
    return url


async def _fill(url: str) -> None:
    store = open_store(url)
    await store.open()
    ends: list[tuple[str, Status | None, int]] = [
        ("0" * 32, "failed", 0), ("1" * 32, "completed", 5), ("2" * 32, None, 0), ("run_with-marks", "cancelled", 1)
    ]  # fmt: skip
    for number, (key, status, took) in enumerate(ends):
        model, body = ("bad\tna\nme\x1b[0m", b"{no json \xff") if number == 0 else ("gpt-4o", b'{"input":"hi"}')
        await store.begin(a_run(key, created=NOW - 3600 * 24 * 3, model=model, body=body, fingerprint=b"secret"))
        if status is not None:
            end = End(key, status, NOW - 3600 * 24 * 3 + took)
            await store.write([append(key, 0, Finish()), end] if number else [])
    await store.write([append("0" * 32, 0, "a"), append("0" * 32, 1, Failure(500, "It broke.\x1b"))])
    await store.write([End("0" * 32, "failed", NOW - 3600 * 24)])
    both = encode([(1, ["one"]), (0, EVERYTHING), (1, [" more"])])
    await store.write([Append("2" * 32, Batch(0, both)), append("2" * 32, 2 + len(EVERYTHING), " and zero")])
    await store.close()


def test_the_newest_runs_are_listed_as_lines_that_programs_read(url: str) -> None:
    done = mserve("list", "--store", url)
    assert (done.returncode, done.stderr) == (0, "")
    created = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(NOW - 3600 * 24 * 3))
    assert [line.split("\t") for line in done.stdout.splitlines()] == [
        ["id", "status", "program", "model", "owner", "created", "seconds"],
        ["run_with-marks", "cancelled", "hello", "gpt-4o", "alice", created, "1"],
        ["2" * 32, "active", "hello", "gpt-4o", "alice", created, ""],
        ["1" * 32, "completed", "hello", "gpt-4o", "alice", created, "5"],
        ["0" * 32, "failed", "hello", "bad\ufffdna\ufffdme\ufffd[0m", "alice", created, "172800"],
    ]
    few = mserve("list", "--limit", "1", "--status", "completed", MSERVE_STORE=url)
    assert [line.split("\t")[0] for line in few.stdout.splitlines()] == ["id", "1" * 32]


def test_a_terminal_gets_a_table(url: str) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "mserve", "store", "list", "--store", url],
        stdout=theirs, stderr=theirs, env=os.environ | {"COLUMNS": "150", "TERM": "xterm"},
    ) as process:  # fmt: skip
        os.close(theirs)
        drawn = b""
        while piece := _read(ours):
            drawn += piece
    os.close(ours)
    assert process.returncode == 0
    assert "─" * 30 in drawn.decode()
    assert "2" * 32 in drawn.decode()
    assert "\t" not in drawn.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # nobody writes to it any more
        return b""


def test_the_list_as_json_has_all_but_what_clients_sent(url: str) -> None:
    runs = [json.loads(line) for line in mserve("list", "--json", "--store", url).stdout.splitlines()]
    assert [run["key"] for run in runs] == ["run_with-marks", "2" * 32, "1" * 32, "0" * 32]
    assert runs[2] == {
        "key": "1" * 32, "owner": "alice", "endpoint": "/v1/responses", "program": "hello", "model": "gpt-4o",
        "created": NOW - 3600 * 24 * 3, "worker": "w", "previous": None, "conversation": None, "idempotency_key": None,
        "status": "completed", "ended": NOW - 3600 * 24 * 3 + 5,
    }  # fmt: skip


@pytest.mark.parametrize("prefix", ["", "resp_", "chatcmpl-"])
def test_a_run_is_shown_with_what_was_asked_and_what_it_said(url: str, prefix: str) -> None:
    done = mserve("show", prefix + "2" * 32, "--store", url)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    lines = done.stdout.splitlines()
    assert lines[0] == "2" * 32
    assert lines[lines.index("request") :] == [
        "request", "{", '  "input": "hi"', "}",
        "answer 0", "reasoning: hm\ufffd[31m", "refusal: never", "two", "lines   é\ufffd]0;owned\ufffd and zero",
        'calls look: {"at":1}', "cites https://a.example", "says spoken (3 bytes)", "7 tokens in, 9 out",
        "answer 1", "one more",
    ]  # fmt: skip
    assert "status: active" in lines
    assert not any(line.startswith("ended") for line in lines)


def test_a_run_that_failed_says_why(url: str) -> None:
    lines = mserve("show", "0" * 32, "--store", url).stdout.splitlines()
    assert lines[lines.index("request") :] == ["request", "{no json \ufffd", "answer", "a", "failed: It broke.\ufffd"]
    assert mserve("show", "1" * 32, "--store", url).stdout.splitlines()[-1] == "answer"  # it said nothing
    assert "model: bad\ufffdna\ufffdme\ufffd[0m" in lines


def test_its_events_are_shown_as_json(url: str) -> None:
    lines = [json.loads(line) for line in mserve("show", "2" * 32, "--json", "--store", url).stdout.splitlines()]
    assert [line["number"] for line in lines] == list(range(len(EVERYTHING) + 3))
    assert lines[0] == {"number": 0, "choice": 1, "event": "TextDelta", "text": "one", "logprobs": []}
    assert lines[9] == {"number": 9, "choice": 0, "event": "AudioDelta", "data": "YWJj", "transcript": "spoken",
                        "id": None, "expires_at": None}  # fmt: skip
    assert (lines[-1]["choice"], lines[-1]["text"]) == (0, " and zero")


def test_a_key_with_marks_of_its_own_is_found(url: str) -> None:
    assert mserve("show", "run_with-marks", "--store", url).stdout.startswith("run_with-marks\n")


def test_old_runs_are_forgotten(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/runs.db"
    asyncio.run(_fill(url))
    assert mserve("prune", "--older-than", "4d", "--store", url).stdout == "0 runs are forgotten.\n"
    assert mserve("prune", "--older-than", "2d", "--store", url).stdout == "2 runs are forgotten.\n"
    assert mserve("prune", "--max-bytes", "0", "--store", url).stdout == "1 run is forgotten.\n"
    assert len(mserve("list", "--store", url).stdout.splitlines()) == 2


def test_what_goes_wrong_is_told_on_one_line(url: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.db"
    bad.write_bytes(b"no database" * 100)
    for arguments, code, words in (
        (["prune", "--store", url], 1, "say what to forget: --older-than 30d, or --max-bytes 1000000000"),
        (["show", "resp_none", "--store", url], 1, "no run 'resp_none' is kept here"),
        (["list", "--store", f"sqlite:///{tmp_path}/none.db"], 1, f"no runs are kept at {tmp_path}/none.db"),
        (["list", "--store", f"sqlite:///{bad}"], 1, f"the store {bad}: file is not a database"),
        (
            ["list", "--store", "mysql://u:hush@h/d"],
            1,
            "a store is at sqlite:///path or at postgresql://user@host/data",
        ),
        (["list", "--limit", "0", "--store", url], 2, 'Invalid value "0" for --limit. Must be >= 1.'),
        (
            ["prune", "--older-than", "soon", "--store", url],
            2,
            "Invalid value for --older-than: an age is a number of days, or as in 90s, 30m, 12h or 7d",
        ),
    ):
        done = mserve(*arguments)
        (line,) = done.stderr.splitlines()
        assert (done.returncode, done.stdout) == (code, "")
        assert line.startswith(f"mserve: {words}")
    assert not (tmp_path / "none.db").exists()


def test_without_any_address_it_is_the_one_of_the_user(tmp_path: Path) -> None:
    done = mserve("list", XDG_DATA_HOME=str(tmp_path))
    assert done.stderr == f"mserve: no runs are kept at {tmp_path}/mserve/runs.db\n"


def test_a_store_in_postgresql_is_looked_at_the_same_way(postgresql: Postgres) -> None:
    url = postgresql.empty()
    asyncio.run(_fill(url))
    assert len(mserve("list", "--store", url).stdout.splitlines()) == 5
    assert "answer 1" in mserve("show", "2" * 32, "--store", url).stdout


def _store_of(*arguments: str) -> object:
    _, bound, _ = app.parse_args(["store", "list", *arguments], print_error=False, exit_on_error=False)
    return bound.arguments.get("store")


def test_flags_beat_the_environment_which_beats_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MSERVE_STORE", raising=False)
    assert _store_of() is None
    (tmp_path / "pyproject.toml").write_text('[tool.mserve]\nport = 1\nstore = "file"\n')
    assert _store_of() == "file"
    monkeypatch.setenv("MSERVE_STORE", "variable")
    monkeypatch.setenv("MSERVE_LIMIT", "none of ours")
    assert _store_of() == "variable"
    assert _store_of("--store", "flag") == "flag"
    (tmp_path / "pyproject.toml").write_text("[tool")
    with pytest.raises(CycloptsError, match="cannot be read"):
        _store_of()


@pytest.mark.parametrize(
    ("said", "age"), [("2", 172800.0), ("1.5h", 5400.0), ("90s", 90.0), ("30m", 1800.0), ("7d", 604800.0)]
)
def test_an_age_is_a_number_of_days_or_of_what_its_letter_says(said: str, age: float) -> None:
    _, bound, _ = app.parse_args(["store", "prune", "--older-than", said], print_error=False, exit_on_error=False)
    assert bound.arguments["older_than"] == age
