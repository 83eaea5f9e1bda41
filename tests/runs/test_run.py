import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mserve.errors import ClientError
from mserve.events import (
    AudioDelta,
    Event,
    Failure,
    Finish,
    Logprob,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from mserve.options import Limits
from mserve.runs.cancellation import Cancellation
from mserve.runs.pieces import PIECE
from runs.running import LIMIT, Follower, log_of, read_all, start, take


async def test_whoever_waits_for_a_cancellation_hears_of_it_before_and_after() -> None:
    cancelled = Cancellation()
    waiting = [asyncio.create_task(cancelled.wait()) for _ in range(2)]
    await asyncio.sleep(0)
    assert not cancelled.is_set()
    cancelled.set()
    async with asyncio.timeout(LIMIT):
        await asyncio.gather(*waiting, cancelled.wait())
    assert cancelled.is_set()


async def test_what_a_program_says_is_the_log_and_a_finish_is_added() -> None:
    async def program() -> AsyncIterator[Event | str]:
        yield "a"
        await asyncio.sleep(0)
        yield Usage(1, 2)

    assert await log_of(program) == [TextDelta("a"), Usage(1, 2), Finish("stop")]


async def test_a_said_finish_stands_and_usage_may_follow_it() -> None:
    async def program() -> AsyncIterator[Event | str]:
        yield "a"
        yield Finish("length")
        yield Usage(1, 2)

    assert await log_of(program) == [TextDelta("a"), Finish("length"), Usage(1, 2)]


async def test_one_task_owns_the_program_from_its_first_step_to_its_close() -> None:
    tasks = set()

    async def program() -> AsyncIterator[str]:
        try:
            for _ in range(3):
                tasks.add(asyncio.current_task())
                yield "a"
        finally:
            tasks.add(asyncio.current_task())

    await log_of(program)
    assert len(tasks) == 1
    assert asyncio.current_task() not in tasks


@pytest.mark.parametrize("steps", range(6))
async def test_a_run_that_is_cancelled_at_any_step_ends_with_one_failure_and_a_closed_program(steps: int) -> None:
    opened: list[str] = []

    async def program() -> AsyncIterator[str]:
        opened.append("open")
        try:
            for _ in range(3):
                await asyncio.sleep(0)
                yield "a"
            await asyncio.Event().wait()
        finally:
            opened.append("closed")

    run = start(program)
    for _ in range(steps):
        await asyncio.sleep(0)
    run.cancel()
    run.cancel()
    events = await read_all(run)
    assert opened in ([], ["open", "closed"])
    assert events[-1] == Failure(503, "The run was cancelled before its answer was whole.", "cancelled")
    assert all(isinstance(event, TextDelta) for event in events[:-1])


async def test_a_program_that_catches_its_cancellation_is_closed_at_its_next_word() -> None:
    async def program() -> AsyncIterator[str]:
        yield "a"
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                yield "no"

    run = start(program)
    reader = Follower(run)
    await take(reader)
    run.cancel()
    async with asyncio.timeout(LIMIT):
        await asyncio.wait([run.task])
    (end,) = await take(reader)
    assert isinstance(end, Failure)
    assert end.code == "cancelled"


async def test_a_program_sees_that_it_was_cancelled() -> None:
    seen: list[bool] = []

    async def program(cancelled: Any) -> AsyncIterator[str]:
        seen.append(cancelled.is_set())
        yield "a"
        try:
            await cancelled.wait()
        finally:
            seen.append(cancelled.is_set())

    run = start(program)
    reader = Follower(run)
    await take(reader)
    reader.close()
    await asyncio.wait([run.task])
    assert seen == [False, True]


@pytest.mark.parametrize(
    "error", [RuntimeError("secret"), SystemExit(1), KeyboardInterrupt(), asyncio.CancelledError()]
)
async def test_whatever_a_program_raises_ends_its_run_without_its_text(error: BaseException) -> None:
    async def program() -> AsyncIterator[str]:
        yield "a"
        raise error

    first, last = await log_of(program)
    assert first == TextDelta("a")
    assert isinstance(last, Failure)
    assert (last.status, last.code) == (500, "program_error")
    assert "secret" not in last.message


class OfTheirOwnError(ClientError):
    """What a program may make of a ClientError: nothing in it can be relied on."""

    def __init__(self) -> None:
        pass


class Unspeakable:
    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize("error", [OfTheirOwnError(), ClientError(Unspeakable())])  # type: ignore[arg-type]  # as programs do
async def test_a_client_error_that_cannot_be_told_is_the_programs_error(
    error: ClientError, caplog: pytest.LogCaptureFixture
) -> None:
    async def program() -> str:
        raise error

    (failure,) = await log_of(program)
    assert isinstance(failure, Failure)
    assert (failure.status, failure.code) == (500, "program_error")
    assert "cannot be told" in caplog.text


@pytest.mark.parametrize("status", [200, 399, 600, 418.5, "404", True])
def test_the_status_of_a_client_error_is_an_http_error(status: Any) -> None:
    with pytest.raises(ValueError, match="400 to 599"):
        ClientError("x", status)


async def test_a_program_that_cancels_its_own_task_has_failed() -> None:
    async def program() -> AsyncIterator[str]:
        yield "a"
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(1)

    last = (await log_of(program))[-1]
    assert isinstance(last, Failure)
    assert last.code == "program_error"


@pytest.mark.parametrize("grouped", [False, True])
async def test_a_client_error_speaks_to_the_client_and_not_to_the_log(
    grouped: bool, caplog: pytest.LogCaptureFixture
) -> None:
    error = ClientError("too long", 413, code="long", param="messages")

    async def program() -> str:
        raise BaseExceptionGroup("many", [ValueError("x"), error]) if grouped else error

    assert await log_of(program) == [Failure(413, "too long", "long", "messages")]
    assert not caplog.records


async def test_the_log_names_the_programs_own_lines_and_none_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    async def program() -> str:
        raise RuntimeError("for the operator")

    with caplog.at_level(logging.ERROR, logger="mserve.program"):
        await log_of(program)
    text = caplog.text
    assert "RuntimeError: for the operator" in text
    assert __file__ in text
    assert "adapt.py" not in text


async def test_a_breach_of_the_order_fails_the_run_and_is_told_to_its_author(caplog: pytest.LogCaptureFixture) -> None:
    async def program() -> AsyncIterator[Event]:
        yield ToolCallDelta("1", "{}")

    (failure,) = await log_of(program)
    assert isinstance(failure, Failure)
    assert "never started" in caplog.text
    assert "never started" not in failure.message


async def test_an_answer_that_was_finished_is_whole_whatever_its_program_does_afterwards() -> None:
    async def program() -> AsyncIterator[Event]:
        yield TextDelta("a")
        yield Finish("stop")
        raise RuntimeError("in its cleanup")

    assert await log_of(program) == [TextDelta("a"), Finish("stop")]


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20), st.integers(1, 20_000))
def test_a_long_text_is_cut_into_pieces_of_bounded_size_that_join_to_it(unit: str, times: int) -> None:
    text = unit * times

    async def program() -> AsyncIterator[Event]:
        yield TextDelta(text)
        yield ReasoningDelta(text)
        yield RefusalDelta(text)
        yield ToolCallStart("1", "f")
        yield ToolCallDelta("1", text)

    events = asyncio.run(log_of(program))
    arguments = [event.arguments for event in events if isinstance(event, ToolCallDelta)]
    assert "".join(arguments) == text
    for kind in (TextDelta, ReasoningDelta, RefusalDelta):
        assert [event.text for event in events if isinstance(event, kind)] == arguments
    assert max(len(piece.encode()) for piece in arguments) <= PIECE
    assert len(arguments) == 1 or len(text.encode()) > PIECE


async def test_a_long_text_waits_for_its_readers_piece_by_piece() -> None:
    async def program() -> str:
        return "x" * (100 * PIECE)

    run = start(program, Limits(log_chars=2 * PIECE))
    reader = Follower(run)
    taken = []
    while not reader.ended:
        taken.append(sum(len(event.text) for event in await take(reader) if isinstance(event, TextDelta)))
    assert sum(taken) == 100 * PIECE
    assert max(taken) <= 2 * PIECE


async def test_a_long_text_stays_whole_where_tokens_have_their_place_in_it() -> None:
    long = TextDelta("a" * 100_000, (Logprob("a" * 100_000, -1.0),))

    async def program() -> AsyncIterator[Event]:
        yield long

    assert await log_of(program) == [long, Finish("stop")]


async def test_sound_is_not_cut() -> None:
    sound = AudioDelta(b"x" * 3 * PIECE, "x" * PIECE)

    async def program() -> AsyncIterator[Event]:
        yield sound

    assert await log_of(program) == [sound, Finish("stop")]


EVENTS = st.one_of(
    st.builds(TextDelta, st.text("ab", max_size=2)),
    st.builds(ToolCallStart, st.sampled_from("12"), st.just("f")),
    st.builds(ToolCallDelta, st.sampled_from("12"), st.sampled_from(["", "{}"])),
    st.builds(Usage, st.integers(0, 3), st.integers(0, 3)),
    st.builds(Finish, st.sampled_from(["stop", "length"])),
)


@given(st.lists(EVENTS, max_size=8), st.booleans())
def test_every_log_has_exactly_one_end(events: list[Event], fails: bool) -> None:
    async def program() -> AsyncIterator[Event]:
        for event in events:
            yield event
        if fails:
            raise RuntimeError

    log = asyncio.run(log_of(program))
    ends = [number for number, event in enumerate(log) if isinstance(event, Finish | Failure)]
    assert len(ends) == 1
    assert all(isinstance(event, Usage) for event in log[ends[0] + 1 :])
