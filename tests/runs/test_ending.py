"""When an answer ends, and what its program may still do then."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from mserve.events import Event, Failure, Finish, ReasoningDelta, TextDelta, Usage, spelt_out
from mserve.options import Limits, Options
from mserve.programs.user import load
from mserve.request import Request
from mserve.runs import run as module
from mserve.runs.active import ActiveRuns
from mserve.runs.choices import Choices
from runs.running import LIMIT, Follower, log_of, no_state, read_all, start, take

CLEANUP = 0.6


class Cleaning:
    """A program whose end takes its time."""

    def __init__(self, *said: str | Event) -> None:
        self.said = said
        self.is_clean = asyncio.Event()

    async def serve(self) -> AsyncIterator[str | Event]:
        try:
            for said in self.said:
                yield said
        finally:
            await asyncio.sleep(CLEANUP)
            self.is_clean.set()


async def test_an_answer_that_ends_by_a_stop_sequence_does_not_wait_for_its_program_nor_end_it() -> None:
    program = Cleaning("a", "STOP", "b")
    started = time.monotonic()
    run = start(program.serve, stop="STOP")
    choices = Choices([run])
    batches = []
    while not choices.ended:
        batches += await choices.take()
    assert time.monotonic() - started < CLEANUP / 2
    assert [event for _, events in batches for event in spelt_out(events)] == [TextDelta("a"), Finish("stop")]
    choices.close()  # as if the client left: its answer is whole
    await asyncio.wait_for(program.is_clean.wait(), LIMIT)
    assert not run.is_cancelled


async def test_after_a_finish_usage_is_waited_for_and_a_cleanup_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LATE", 0.1)
    program = Cleaning("a", Finish("length"), Usage(1, 2))
    started = time.monotonic()
    run = start(program.serve)
    assert await read_all(run) == [TextDelta("a"), Finish("length"), Usage(1, 2)]
    assert 0.1 <= time.monotonic() - started < CLEANUP
    run.drop()
    await asyncio.wait_for(program.is_clean.wait(), LIMIT)


async def test_a_program_that_ends_after_its_finish_ends_the_answer_at_once() -> None:
    async def program() -> AsyncIterator[Event]:
        yield Finish("stop")

    started = time.monotonic()
    await log_of(program)
    assert time.monotonic() - started < module._LATE / 2


async def test_a_failed_request_ends_its_other_runs_whatever_the_policy() -> None:
    ended: list[str] = []

    async def program(prompt: str) -> AsyncIterator[str]:
        try:
            if prompt == "fail":
                raise ValueError
            yield "a"
            await asyncio.Event().wait()
        finally:
            ended.append(prompt)

    runs = ActiveRuns(Options())
    requests = [Request(messages=[{"role": "user", "content": prompt}]) for prompt in ("wait", "fail")]
    started = runs.start(load(program)[0], requests, headers={}, state=no_state, on_disconnect="finish")
    choices = Choices(started)
    while not choices.ended:
        await choices.take()
    choices.close()
    async with asyncio.timeout(LIMIT):
        await asyncio.wait([run.task for run in started])
    assert sorted(ended) == ["fail", "wait"]


async def test_whatever_a_program_says_that_is_deaf_to_its_cancelling_ends_it() -> None:
    said: list[str] = []

    async def program() -> AsyncIterator[str | Event]:
        yield "a"
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            yield ReasoningDelta("I go on")
            said.append("I went on")

    run = start(program)
    await take(Follower(run))
    run.cancel()
    async with asyncio.timeout(LIMIT):
        await asyncio.wait([run.task])
    assert said == []


class Content:
    """A judge that finds everything right."""

    async def read(self) -> None:
        pass

    async def __call__(self, _text: str) -> str | None:
        return None


@pytest.mark.parametrize("judged", [False, True])
async def test_an_answer_has_a_longest_length(*, judged: bool, caplog: pytest.LogCaptureFixture) -> None:
    async def program() -> AsyncIterator[str]:
        while True:
            yield "12345"

    events = await log_of(program, limits=Limits(max_answer=60), judge=Content() if judged else None)
    assert events[:-1] == [TextDelta("12345")] * 11
    assert isinstance(events[-1], Failure)
    assert (events[-1].status, events[-1].code) == (500, "program_error")
    assert "program program: the answer is longer than 60 characters" in caplog.text
