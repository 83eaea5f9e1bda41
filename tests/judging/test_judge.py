"""The judge of one request: right, in time, and never at the price of everybody else's tokens."""

import asyncio
import json
import time
from typing import Any, Self, cast

import msgspec
import pytest

from judging.hostile import HOSTILE, doubling
from mserve.errors import ClientError
from mserve.judging.judge import Bench, Judge

LAG = 0.1
"""Seconds of a processor that the loop may be held for."""
PARAM = "response_format.json_schema.schema"
ENDLESS = HOSTILE["doubling"]


def asked(schema: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


async def judge_of(response_format: dict[str, Any] | None, seconds: float = 5.0) -> Judge:
    judge = Bench(seconds).judge_of(response_format, judged=True)
    assert judge is not None
    await judge.read()
    return judge


class Lag:
    """Measures how long the loop was held."""

    async def __aenter__(self) -> Self:
        self.longest = 0.0
        self._task = asyncio.create_task(self._measure())
        await asyncio.sleep(0.01)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(0.01)
        self._task.cancel()

    async def _measure(self) -> None:
        while True:
            before = time.thread_time()
            await asyncio.sleep(0.002)
            self.longest = max(self.longest, time.thread_time() - before)


@pytest.mark.parametrize("response_format", [None, {}, {"type": "text"}])
async def test_plain_text_has_no_judge(response_format: dict[str, Any] | None) -> None:
    assert Bench(1.0).judge_of(response_format, judged=True) is None


@pytest.mark.parametrize(
    ("response_format", "fitting", "wrong"),
    [
        ({"type": "json_object"}, '{"a": [1]}', "[1]"),
        ({"type": "json_object"}, "{}", "no JSON"),
        ({"type": "json_schema", "json_schema": {"name": "any"}}, "[1]", "no JSON"),
        ({"type": "json_schema", "json_schema": {"name": "any", "schema": None}}, "null", ""),
        (asked({"type": "array"}), "[1]", "{}"),
        (asked({}), "1", "{"),
    ],
)
async def test_each_format_has_its_judge(response_format: dict[str, Any], fitting: str, wrong: str) -> None:
    judge = await judge_of(response_format)
    assert await judge(fitting) is None
    told = await judge(wrong)
    assert told is not None
    assert told.startswith("The program's answer is not the JSON that was asked for: ")
    assert told.endswith(".")


async def test_the_same_judge_may_be_asked_by_several_runs_at_once() -> None:
    judge = await judge_of(asked({"const": 1}))
    told = await asyncio.gather(judge("1"), judge("2"), judge("1"))
    assert [what is None for what in told] == [True, False, True]


@pytest.mark.parametrize("judged", [True, False])
async def test_a_schema_that_is_none_is_the_clients_error_whether_answers_are_judged_or_not(judged: bool) -> None:
    unread = {"unevaluatedProperties": 5}  # read in a process of its own
    for schema in ({"type": "strnig"}, {"$ref": "http://127.0.0.1:9/"}, unread):
        with pytest.raises(ClientError) as told:
            await cast("Judge", Bench(5.0).judge_of(asked(schema), judged=judged)).read()
        assert (told.value.status, told.value.param) == (400, PARAM)
        assert told.value.message.startswith(f"{PARAM}: this is no valid JSON schema: ")


async def test_a_schema_that_takes_too_long_to_be_read_is_the_clients_error() -> None:
    schema, _ = HOSTILE["a long pattern"]
    async with Lag() as lag:
        with pytest.raises(ClientError, match="it takes too long to be read") as told:
            await judge_of(asked(schema), 0.5)
    assert (told.value.status, told.value.param) == (400, PARAM)
    assert lag.longest < LAG


async def test_who_is_not_to_judge_answers_finds_nothing_wrong_with_them() -> None:
    judge = Bench(5.0).judge_of(asked(ENDLESS[0]), judged=False)
    assert judge is not None
    assert await judge(ENDLESS[1]) is None


@pytest.mark.parametrize("name", ["doubling", "long integers, each another", "many branches that fail"])
async def test_an_answer_that_takes_too_long_is_told_so_and_holds_up_nobody(name: str) -> None:
    schema, answer = HOSTILE[name]
    judge = await judge_of(asked(schema), 0.4)
    async with Lag() as lag:
        told = await judge(answer)
    assert told == "The program's answer could not be compared with the schema that was asked for, in time."
    assert lag.longest < LAG


LARGE: list[tuple[Any, str, bool]] = [
    ({"type": "array", "items": {"type": "string"}}, json.dumps(["a" * 100] * 10_000), True),
    ({"type": "array", "items": {"type": "string"}}, json.dumps([*["a" * 100] * 10_000, 1]), False),
    ({"type": "array", "uniqueItems": True}, json.dumps(list(range(100_000))), True),
    ({"type": "array", "uniqueItems": True}, json.dumps([*range(100_000), 5]), False),
    ({"items": {"$ref": "#"}}, "[" * 200 + "]" * 200, True),
    ({"type": "object"}, '{"a": "' + "\u20ac\\n" * 200_000 + '"}', True),
    ({"pattern": "(?=.*b)^[a-z]{10,2000}$"}, f'"{"a" * 900}b"', True),
    ({"unevaluatedProperties": False, "properties": {"a": {}}}, '{"b": 1}', False),
    ({"anyOf": [{"items": {"type": "string"}}] * 30}, json.dumps([1] * 2000), False),  # cheap, but for the telling
]


@pytest.mark.parametrize(("schema", "answer", "fits"), LARGE, ids=range(len(LARGE)))
async def test_what_is_large_is_judged_all_the_same_and_holds_up_nobody(schema: Any, answer: str, fits: bool) -> None:
    judge = await judge_of(asked(schema))
    async with Lag() as lag:
        assert (await judge(answer) is None) == fits
    assert lag.longest < LAG


async def test_the_smaller_ones_need_no_process() -> None:
    judge = await judge_of(asked({"type": "object", "properties": {"a": {"type": "string"}}}))
    for answer in ('{"a": "b"}', '{"a": 1}', "{"):
        with pytest.raises(StopIteration):  # without waiting for anything
            judge(answer).__await__().__next__()


async def test_no_more_judges_sit_at_once_than_there_are_seats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mserve.judging.judge._SEATS", 1)
    bench = Bench(2.0)
    judge = bench.judge_of(asked(ENDLESS[0]), judged=True)
    quick = bench.judge_of(asked({"items": {"$ref": "#"}}), judged=True)
    assert judge is not None
    assert quick is not None
    first = asyncio.ensure_future(judge(ENDLESS[1]))
    await asyncio.sleep(1.0)
    assert await quick("[]") is None
    assert first.done()  # one after the other
    assert await first is not None


async def test_who_finds_no_seat_in_time_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mserve.judging.judge._SEATS", 1)
    bench = Bench(0.5)
    judge = bench.judge_of(asked(ENDLESS[0]), judged=True)
    assert judge is not None
    first, second, third = (asyncio.ensure_future(judge(ENDLESS[1])) for _ in range(3))
    with pytest.raises(ClientError, match="busy judging") as told:
        await third
    assert (told.value.status, told.value.code) == (503, "overloaded")
    assert await first is not None
    await asyncio.wait([second])


async def test_a_judge_that_is_broken_is_our_fault_and_the_log_says_why(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(ClientError, match="failed to judge") as told:
        await (await judge_of(asked({"items": {"$ref": "#"}})))("[]")
    assert (told.value.status, told.value.code) == (500, "internal_error")
    assert "exit code 1" in caplog.text


async def test_a_judge_that_waits_for_a_seat_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mserve.judging.judge._SEATS", 1)
    bench = Bench(0.5)
    judge = bench.judge_of(asked({"$ref": "#/$defs/b0", "$defs": doubling()}), judged=True)
    assert judge is not None
    first, second = (asyncio.ensure_future(judge('"a"')) for _ in range(2))
    await asyncio.sleep(0.05)
    second.cancel()
    assert await first is not None
    with pytest.raises(asyncio.CancelledError):
        await second


async def test_a_schema_is_not_changed_by_being_read() -> None:
    schema = {"$defs": {"a": {"type": "string"}}, "$ref": "#/$defs/a"}
    before = msgspec.json.encode(schema)
    judge = await judge_of(asked(schema))
    await judge("1")
    assert msgspec.json.encode(schema) == before
