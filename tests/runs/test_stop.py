import asyncio
import math
from collections.abc import AsyncIterator, Sequence

from hypothesis import given
from hypothesis import strategies as st

from mserve.events import Event, Finish, Logprob, ReasoningDelta, RunEvent, TextDelta, ToolCallDelta, ToolCallStart
from mserve.runs.stop import StopText
from runs.running import log_of

pieces = st.lists(st.text("ab", max_size=4), max_size=8)
sequences = st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=3)


def passed(stop: StopText, parts: Sequence[TextDelta]) -> tuple[list[TextDelta], bool]:
    """What is passed on of some pieces, and whether the text ends by it."""
    told: list[TextDelta | None] = []
    for part in parts:
        more, stops = stop.feed(part)
        told.append(more)
        if stops:
            break
    else:
        stops = False
        told.append(stop.rest())
    return [part for part in told if part is not None], stops


def said(stop: StopText, parts: Sequence[str]) -> tuple[str, bool]:
    told, stops = passed(stop, [TextDelta(part) for part in parts])
    return "".join(part.text for part in told), stops


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
        piece, stopped = stop.feed(TextDelta(part))
        told += piece.text if piece else ""
        if stopped:
            return
        held = fed[len(told) :]
        assert not held or any(sequence.startswith(held) for sequence in stops)


@given(pieces)
def test_without_sequences_every_piece_passes_as_it_is(parts: list[str]) -> None:
    for none in (None, [], "", [""]):
        stop = StopText(none)
        for part in parts:
            piece = TextDelta(part, (Logprob(part, -1.0),))
            assert stop.feed(piece) == (piece, False)
        assert stop.rest() is None


# ---- log probabilities

TOKENS = st.lists(st.text("ab", max_size=3), max_size=10)
CUTS = st.lists(st.integers(1, 4), max_size=10)


def spoken(tokens: list[str], sizes: list[int]) -> list[TextDelta]:
    """Say a text in pieces of so many tokens each; each token is told by its number."""
    numbered = [(text, Logprob(text, -float(number))) for number, text in enumerate(tokens)]
    said: list[TextDelta] = []
    for size in [*sizes, len(tokens)]:
        piece, numbered = numbered[:size], numbered[size:]
        said.append(TextDelta("".join(text for text, _ in piece), tuple(logprob for _, logprob in piece)))
    return said


def numbers(parts: list[TextDelta]) -> list[int]:
    return [int(-token.logprob) for part in parts for token in part.logprobs]


@given(TOKENS, CUTS, sequences)
def test_the_tokens_that_are_told_are_those_that_end_in_the_cut_text(
    tokens: list[str], sizes: list[int], stops: list[str]
) -> None:
    told, _ = passed(StopText(stops), spoken(tokens, sizes))
    text, stopped = model("".join(tokens), stops)
    assert "".join(part.text for part in told) == text
    count = len(numbers(told))
    assert numbers(told) == list(range(count))
    ends = [len("".join(tokens[: number + 1])) for number in range(len(tokens))]
    if stopped:
        # A token that says nothing, just where the text is cut, is on either side of the cut.
        assert (
            sum(end < len(text) or (end == len(text) and bool(token)) for end, token in zip(ends, tokens, strict=True))
            <= count
        )
        assert count <= sum(end <= len(text) for end in ends)
    else:
        assert count == len(tokens)


@given(TOKENS, CUTS, sequences)
def test_no_token_is_told_before_its_text(tokens: list[str], sizes: list[int], stops: list[str]) -> None:
    stop, text, count = StopText(stops), "", 0
    for piece in spoken(tokens, sizes):
        more, stopped = stop.feed(piece)
        if more:
            text += more.text
            count += len(more.logprobs)
        assert len("".join(tokens[:count])) <= len(text)
        if stopped:
            return


def test_tokens_that_do_not_spell_their_piece_end_with_it() -> None:
    tokens = (Logprob("\ufffd", -1.0), Logprob("\ufffd", -2.0))
    stop = StopText("\N{GRINNING FACE}!")
    assert stop.feed(TextDelta("a\N{GRINNING FACE}", tokens)) == (None, False)
    assert stop.feed(TextDelta("b")) == (TextDelta("a\N{GRINNING FACE}b", tokens), False)
    assert stop.feed(TextDelta("\N{GRINNING FACE}", tokens)) == (None, False)
    assert stop.feed(TextDelta("!", (Logprob("!", -3.0),))) == (None, True)


def test_a_token_that_says_nothing_yet_is_told_when_its_place_is() -> None:
    empty = Logprob("", -1.0)
    stop = StopText("END")
    assert stop.feed(TextDelta("", (empty,))) == (TextDelta("", (empty,)), False)
    assert stop.feed(TextDelta("xE", (Logprob("xE", -2.0),))) == (None, False)
    assert stop.feed(TextDelta("", (empty,))) == (None, False)
    assert stop.rest() == TextDelta("xE", (Logprob("xE", -2.0), empty))


def test_a_text_that_is_held_back_in_the_middle_of_a_token_waits_from_its_start_on() -> None:
    stop, tokens = StopText("lX"), (Logprob("Hel", -1.0), Logprob("lo!", -2.0))
    assert stop.feed(TextDelta("Hel", tokens[:1])) == (None, False)
    assert stop.feed(TextDelta("lo!", tokens[1:])) == (TextDelta("Hello!", tokens), False)


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


async def test_what_was_held_back_is_said_with_its_tokens() -> None:
    tokens = (Logprob("one", -1.0), Logprob(" E", -math.pi))
    log, _ = await stopped(TextDelta("one E", tokens), stop="END")
    assert log == [TextDelta("one", tokens[:1]), TextDelta(" E", tokens[1:]), Finish("stop")]


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
