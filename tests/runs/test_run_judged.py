"""A run whose answer has a judge: what the judge sees, when it is asked, and what its word is worth."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from mserve.events import (
    Event,
    Failure,
    Finish,
    ReasoningDelta,
    RefusalDelta,
    RunEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from mserve.options import ReasoningFormat
from runs.running import LIMIT, Follower, read_all, start, take


class Court:
    """A judge that remembers what it was asked."""

    def __init__(self, wrong: str | None = None) -> None:
        self.asked: list[str] = []
        self._wrong = wrong

    async def read(self) -> None:
        self.asked.clear()

    async def __call__(self, text: str) -> str | None:
        self.asked.append(text)
        await asyncio.sleep(0)
        return self._wrong


async def judged(
    *events: Event, judge: Court, stop: str | None = None, reasoning: ReasoningFormat = "fields"
) -> list[RunEvent]:
    async def program() -> AsyncIterator[Event]:
        for event in events:
            yield event

    return await read_all(start(program, judge=judge, stop=stop, reasoning=reasoning))


async def test_the_judge_sees_the_text_and_nothing_else() -> None:
    court = Court()
    said = (ReasoningDelta("why"), TextDelta("[1"), Usage(1, 1), TextDelta(", 2]"))
    assert await judged(*said, judge=court) == [*said, Finish("stop")]
    assert court.asked == ["[1, 2]"]


async def test_no_text_at_all_is_judged_too() -> None:
    court = Court()
    await judged(judge=court)
    assert court.asked == [""]


async def test_thoughts_are_not_said_aloud_where_the_text_is_to_be_json() -> None:
    court = Court()
    log = await judged(ReasoningDelta("why"), TextDelta("[1]"), judge=court, reasoning="think")
    assert log == [ReasoningDelta("why"), TextDelta("[1]"), Finish("stop")]
    assert court.asked == ["[1]"]


@pytest.mark.parametrize("pieces", [["[1]E", "ND[2"], ["[1]", "E"], ["[1", "]END"]])
async def test_the_judge_sees_what_the_client_got(pieces: list[str]) -> None:
    court = Court()
    log = await judged(*map(TextDelta, pieces), judge=court, stop="END")
    assert court.asked == ["".join(event.text for event in log if isinstance(event, TextDelta))]
    assert court.asked[0].startswith("[1]")


@pytest.mark.parametrize(
    "said",
    [
        (Finish("length"),),
        (Finish("content_filter"),),
        (ToolCallStart("1", "f"), ToolCallDelta("1", "{}")),
        (ToolCallStart("1", "f"), ToolCallDelta("1", "{}"), Finish("stop")),
        (RefusalDelta("I had rather not."),),
    ],
)
async def test_what_is_no_answer_is_not_judged(said: tuple[Event, ...]) -> None:
    court = Court("wrong")
    log = await judged(TextDelta("{"), *said, judge=court)
    assert court.asked == []
    assert isinstance(log[-1], Finish)


@pytest.mark.parametrize("last", [(), (Finish("stop"),), (Finish("stop"), Usage(1, 1))])
async def test_a_wrong_answer_is_a_failure_that_says_why(
    last: tuple[Event, ...], caplog: pytest.LogCaptureFixture
) -> None:
    court = Court("It is wrong.")
    log = await judged(TextDelta("{"), *last, judge=court)
    assert log == [TextDelta("{"), Failure(502, "It is wrong.", "invalid_output")]
    assert [record.getMessage() for record in caplog.records] == ["program program: It is wrong."]


async def test_usage_may_follow_a_finish_that_was_judged() -> None:
    court = Court()
    log = await judged(TextDelta("1"), Finish("stop"), Usage(1, 2), judge=court)
    assert log == [TextDelta("1"), Finish("stop"), Usage(1, 2)]
    assert court.asked == ["1"]


async def test_a_judge_that_fails_is_our_failure_and_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    class Drunk(Court):
        async def __call__(self, _text: str) -> str | None:
            raise RuntimeError("a secret")

    (_, last) = await judged(TextDelta("1"), judge=Drunk())
    assert isinstance(last, Failure)
    assert (last.status, last.code) == (500, "program_error")
    assert "a secret" not in last.message
    assert "a secret" in caplog.text


async def test_a_run_can_be_cancelled_while_it_is_judged() -> None:
    seen: list[str] = []

    class Slow(Court):
        async def read(self) -> None:
            pass

        async def __call__(self, text: str) -> str | None:
            seen.append(text)
            try:
                await asyncio.Event().wait()
            finally:
                seen.append("ended")
            return None

    async def program() -> AsyncIterator[str]:
        try:
            yield "1"
        finally:
            seen.append("closed")

    run = start(program, judge=Slow())
    reader = Follower(run)
    while not seen or seen[-1] != "1":
        await take(reader)
        await asyncio.sleep(0)
    reader.close()
    async with asyncio.timeout(LIMIT):
        await asyncio.wait([run.task])
    assert seen[-1] == "ended"
    assert "closed" in seen
