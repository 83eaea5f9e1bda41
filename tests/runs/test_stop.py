import asyncio
from collections.abc import AsyncIterator

from hypothesis import given
from hypothesis import strategies as st

from mserve.events import Event, Finish, ReasoningDelta, RunEvent, TextDelta, ToolCallDelta, ToolCallStart
from mserve.runs.stop import StopText
from runs.running import log_of

pieces = st.lists(st.text("ab", max_size=4), max_size=8)
sequences = st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=3)


def said(stop: StopText, parts: list[str]) -> tuple[str, bool]:
    text = ""
    for part in parts:
        more, stops = stop.feed(part)
        text += more
        if stops:
            return text, True
    return text + stop.rest(), False


def model(text: str, stops: list[str]) -> tuple[str, bool]:
    """Look at the text letter by letter: the first place where a sequence is complete, and the longest there."""
    for end in range(1, len(text) + 1):
        complete = [stop for stop in stops if text[:end].endswith(stop)]
        if complete:
            return text[: end - max(map(len, complete))], True
    return text, False


@given(pieces, sequences)
def test_a_text_is_cut_at_the_same_letter_however_its_pieces_fall(parts: list[str], stops: list[str]) -> None:
    whole = "".join(parts)
    assert said(StopText(stops), parts) == said(StopText(stops), [whole]) == said(StopText(stops), list(whole))
    assert said(StopText(stops), parts) == model(whole, stops)


@given(pieces, sequences)
def test_nothing_is_held_back_that_cannot_become_a_sequence(parts: list[str], stops: list[str]) -> None:
    stop, fed, told = StopText(stops), "", ""
    for part in parts:
        fed += part
        text, stopped = stop.feed(part)
        told += text
        if stopped:
            return
        held = fed[len(told) :]
        assert not held or any(sequence.startswith(held) for sequence in stops)


@given(pieces)
def test_without_sequences_every_piece_passes_as_it_is(parts: list[str]) -> None:
    for none in (None, [], "", [""]):
        stop = StopText(none)
        assert [stop.feed(part) for part in parts] == [(part, False) for part in parts]


async def stopped(*events: Event, stop: str | list[str]) -> tuple[list[RunEvent], bool]:
    closed = False

    async def program() -> AsyncIterator[Event]:
        nonlocal closed
        try:
            for event in events:
                yield event
        except GeneratorExit:
            closed = True
            raise

    return await log_of(program, stop=stop), closed


async def test_a_run_ends_at_a_stop_sequence_and_closes_its_program() -> None:
    log, closed = await stopped(TextDelta("one E"), TextDelta("ND two"), TextDelta("three"), stop="END")
    assert log == [TextDelta("one "), Finish("stop")]
    assert closed


async def test_what_was_held_back_is_said_when_the_text_ends() -> None:
    log, closed = await stopped(TextDelta("one E"), TextDelta("N"), Finish("length"), stop=["END", "x"])
    assert log == [TextDelta("one "), TextDelta("EN"), Finish("length")]
    assert not closed


async def test_reasoning_and_arguments_are_not_searched() -> None:
    events = (ReasoningDelta("END"), ToolCallStart("1", "END"), ToolCallDelta("1", '"END"'))
    log, _ = await stopped(*events, stop="END")
    assert log == [*events, Finish("tool_calls")]


async def test_a_program_that_fails_while_it_is_closed_at_a_stop_has_answered() -> None:
    async def program() -> AsyncIterator[str]:
        try:
            yield "one END"
            await asyncio.sleep(60)
        finally:
            raise ValueError("in its cleanup")

    assert await log_of(program, stop="END") == [TextDelta("one "), Finish("stop")]
