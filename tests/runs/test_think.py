from collections.abc import AsyncIterator
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mserve.events import (
    Citation,
    Event,
    Finish,
    Logprob,
    ReasoningDelta,
    RefusalDelta,
    RunEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from mserve.runs.pieces import PIECE
from mserve.runs.think import ThinkText
from runs.running import read_all, start

OTHERS: list[Event] = [
    TextDelta("a", (Logprob("a", -1.0),)),
    RefusalDelta("b"),
    ToolCallStart("1", "f"),
    ToolCallDelta("1", "{}"),
    Citation("u", "t", 0, 1),
    Finish("stop"),
]
EVENTS = st.lists(st.sampled_from([*OTHERS, Usage(1, 1), ReasoningDelta("c"), ReasoningDelta("d")]), max_size=12)


def thought(events: list[Event]) -> list[Event]:
    think = ThinkText()
    return [said for event in events for said in think.feed(event)]


def model(events: list[Event]) -> list[Event]:
    """Each thought, which is reasoning with nothing but usage in between, stands between its marks."""
    said: list[Event] = []
    thinks = False
    for event in events:
        if isinstance(event, ReasoningDelta):
            said.append(TextDelta(event.text if thinks else f"<think>\n{event.text}"))
            thinks = True
        elif isinstance(event, Usage):
            said.append(event)
        else:
            said += [TextDelta("\n</think>\n\n")] * thinks + [event]
            thinks = False
    return said


@given(EVENTS)
def test_a_thought_stands_between_its_marks_and_all_else_is_as_it_was(events: list[Event]) -> None:
    told = thought(events)
    assert told == model(events)
    assert not any(isinstance(event, ReasoningDelta) for event in told)
    text = "".join(event.text for event in told if isinstance(event, TextDelta))
    assert 0 <= text.count("<think>") - text.count("</think>") <= 1
    assert [event for event in told if event in OTHERS] == [event for event in events if event in OTHERS]


@given(st.text("ab", min_size=1, max_size=9), st.lists(st.integers(0, 9), max_size=4))
def test_a_thought_is_the_same_however_its_pieces_fall(text: str, places: list[int]) -> None:
    edges = sorted({0, *(place for place in places if place < len(text)), len(text)})
    pieces = [text[start:end] for start, end in pairwise(edges)]
    told = thought([*map(ReasoningDelta, pieces), Finish("stop")])
    joined = "".join(event.text for event in told if isinstance(event, TextDelta))
    assert joined == f"<think>\n{text}\n</think>\n\n"


async def log_of(*events: Event, stop: str | None = None) -> list[RunEvent]:
    async def program() -> AsyncIterator[Event]:
        for event in events:
            yield event

    return await read_all(start(program, reasoning="think", stop=stop))


async def test_a_run_thinks_aloud_where_its_options_say_so() -> None:
    log = await log_of(ReasoningDelta("why"), Usage(1, 1), ReasoningDelta(" not"), TextDelta("yes"))
    marked = [TextDelta("<think>\nwhy"), Usage(1, 1), TextDelta(" not"), TextDelta("\n</think>\n\n")]
    assert log == [*marked, TextDelta("yes"), Finish("stop")]


async def test_a_thought_that_was_not_finished_is_closed_before_the_end() -> None:
    assert await log_of(ReasoningDelta("why")) == [
        TextDelta("<think>\nwhy"),
        TextDelta("\n</think>\n\n"),
        Finish("stop"),
    ]


async def test_a_thought_ends_before_the_text_that_a_stop_sequence_leaves() -> None:
    log = await log_of(ReasoningDelta("a STOP in a thought"), TextDelta("yes ST"), TextDelta("OP no"), stop="STOP")
    assert log == [
        TextDelta("<think>\na STOP in a thought"),
        TextDelta("\n</think>\n\n"),
        TextDelta("yes "),
        Finish("stop"),
    ]


async def test_a_long_thought_is_cut_like_any_text() -> None:
    log = await log_of(ReasoningDelta("x" * 3 * PIECE))
    texts = [event.text for event in log if isinstance(event, TextDelta)]
    assert "".join(texts) == "<think>\n" + "x" * 3 * PIECE + "\n</think>\n\n"
    assert max(map(len, texts)) <= PIECE
