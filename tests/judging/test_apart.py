"""Judging in a process of its own: the same verdicts, and an end whatever the schema is."""

import asyncio
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from judging.hostile import HOSTILE
from mserve.judging.apart import SPENT, Question, Verdict, judge, judge_apart

ENDLESS = Question(msgspec.json.encode(HOSTILE["doubling"][0]), HOSTILE["doubling"][1])
SOON = 5.0


def judges_of(parent: int) -> list[int]:
    """Give the processes that judge for a process."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            name = (status.parent / "cmdline").read_bytes()
            ancestor = int(status.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has just ended
        if ancestor == parent and b"mserve.judging.apart" in name:
            found.append(int(status.parent.name))
    return found


async def judging() -> int:
    """Wait until a process judges for this one, and give it."""
    async with asyncio.timeout(SOON):
        while not (found := judges_of(MINE)):
            await asyncio.sleep(0.01)
    return found[0]


MINE = int(Path("/proc/self").resolve().name)


@pytest.fixture(autouse=True)
def none_is_left_behind() -> Iterator[None]:
    yield
    assert judges_of(MINE) == []


@pytest.mark.parametrize(
    "question",
    [
        Question(b'{"type": "string"}', '"a"'),
        Question(b'{"type": "string"}', "1"),
        Question(b"{}", "no JSON"),
        Question(b"{}", '"' + "\N{GRINNING FACE}\u2028" * 300_000 + '"'),
        Question(b'{"const": "\xc3\xa9"}', "1"),
        Question(b"{}", None),
        Question(b'{"type": "strnig"}', None),
        Question(b'{"$ref": "http://127.0.0.1:9/"}', None),
    ],
    ids=range(8),
)
async def test_the_verdict_is_that_of_this_process(question: Question) -> None:
    assert await judge_apart(question, SOON) == judge(question)


def test_a_verdict_names_what_is_wrong() -> None:
    assert judge(Question(b"{}", "1")) == judge(Question(b"{}", None)) == Verdict(None)
    assert judge(Question(b'{"type": "null"}', "1")) == Verdict('the value is not of type "null"')
    assert "at type" in (judge(Question(b'{"type": "strnig"}', None)).wrong or "")


@pytest.mark.parametrize(
    "name", ["doubling", "a circle", "unevaluatedProperties", "long integers, each another", "many fractions"]
)
async def test_what_has_no_end_is_ended_in_time(name: str) -> None:
    schema, answer = HOSTILE[name]
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        await judge_apart(Question(msgspec.json.encode(schema), answer), 0.7)
    assert time.monotonic() - started < SOON


async def test_a_judge_may_not_take_all_memory() -> None:
    greedy = {"type": "array", "anyOf": [{"items": {"$ref": "#"}}] * 3}
    with pytest.raises(TimeoutError):
        await judge_apart(Question(msgspec.json.encode(greedy), "[" * 40 + "1" + "]" * 40), 30)


def test_where_less_memory_is_allowed_that_is_the_limit() -> None:
    judge_here = shlex.join([sys.executable, "-P", "-m", "mserve.judging.apart", "60"])
    for count, code in ((1, 0), (8_000_000, SPENT)):
        question = msgspec.json.encode(Question(b"{}", f"[{'{},' * count}1]"))
        command = ["sh", "-c", f"ulimit -v 500000; exec {judge_here}"]
        done = subprocess.run(command, input=question, capture_output=True, timeout=50, check=False)
        assert (done.returncode, done.stdout) == (code, b'{"wrong":null}' if code == 0 else b""), done.stderr


async def test_a_judge_whose_run_is_cancelled_is_ended() -> None:
    task = asyncio.create_task(judge_apart(ENDLESS, 60))
    judge = await judging()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not Path(f"/proc/{judge}").exists()


@pytest.mark.parametrize("after", [0.0, 0.001, 0.01, 0.05, 0.1])
async def test_a_judge_can_be_cancelled_at_any_moment(after: float) -> None:
    task = asyncio.create_task(judge_apart(ENDLESS, 60))
    await asyncio.sleep(after)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV])
async def test_a_judge_that_dies_has_not_answered_in_time(how: signal.Signals) -> None:
    task = asyncio.create_task(judge_apart(ENDLESS, 60))
    process = subprocess.Popen(["kill", f"-{how.value}", str(await judging())])
    with pytest.raises(TimeoutError):
        await task
    process.wait()


def test_a_judge_ends_by_itself_where_nobody_is_left_to_end_it() -> None:
    command = [sys.executable, "-P", "-m", "mserve.judging.apart", "0.5"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        out, _ = process.communicate(msgspec.json.encode(ENDLESS), timeout=SOON)
        assert process.returncode != 0
        assert out == b""


async def test_what_lies_in_the_servers_folder_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("mserve", "msgspec", "json", "jsonschema_rs"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not this one')")
    monkeypatch.chdir(tmp_path)
    assert await judge_apart(Question(b"{}", "1"), SOON) == Verdict(None)


async def test_many_at_once_do_not_mix_their_answers() -> None:
    async def one(number: int) -> Any:
        return await judge_apart(Question(b'{"const": %d}' % number, "-1"), 30)

    said = await asyncio.gather(*map(one, range(6)))
    assert said == [Verdict(f"{number} was expected") for number in range(6)]
