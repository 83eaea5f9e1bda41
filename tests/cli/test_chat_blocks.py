"""How a text that still comes is cut, and laid out: by laws, wherever its pieces end."""

import io
from itertools import chain, pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console

from mserve.cli.chat.blocks import Blocks
from mserve.cli.chat.canvas import Canvas, Line
from mserve.cli.chat.writing import Writing

PARTS = st.sampled_from(
    ["word ", "\n", "\n\n",
     "- ", "1. ", "```\n", "~~~", "    ", "> ", "# ", "| a | b |\n|---|---|\n", "**", "`", "---\n",
     "[x](", "http://a.b)", "<b>", "&#13;", "&#9;", "&#x202e;", "\t",
     "猫", "👩‍👩‍👧", "\u202e", "\x1b[2J", "===\n", "![", "](", "\\"]
)  # fmt: skip
TEXTS = st.lists(PARTS, max_size=30).map("".join)


def canvas(width: int = 40, height: int = 10) -> tuple[Canvas, Console]:
    console = Console(file=io.StringIO(), force_terminal=True, width=width, height=height, _environ={})
    return Canvas(console), console


def cut(text: str, places: list[int]) -> list[str]:
    edges = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[start:end] for start, end in pairwise(edges)]


def blocks_of(pieces: list[str]) -> list[tuple[str, bool]]:
    blocks = Blocks()
    done = [part for piece in pieces for part in blocks.add(piece)]
    return done + blocks.end()


@given(TEXTS, st.lists(st.integers(0, 200), max_size=8))
@example("1. one\n\n2. two\n", [9])  # a 2 alone would be a paragraph
def test_wherever_a_text_is_cut_its_blocks_are_the_same_and_all_of_it(text: str, places: list[int]) -> None:
    whole = blocks_of([text])
    assert blocks_of(cut(text, places)) == whole
    assert "".join(part for part, _ in whole) == text


@given(TEXTS, st.lists(st.integers(0, 200), max_size=8), st.integers(8, 60))
@example("&#x202e;", [], 20)
def test_no_line_is_wider_than_the_screen_or_holds_what_a_terminal_obeys(
    text: str, places: list[int], width: int
) -> None:
    writing = Writing(canvas(width)[0])
    seen: list[Line] = []
    for piece in cut(text, places):
        writing.add(piece)
        seen += chain(*writing.lay_out())
    writing.end()
    for line in chain(seen, *writing.lay_out()):
        said = "".join(segment.text for segment in line)
        assert sum(segment.cell_length for segment in line) < width
        assert not set(said) & set("\n\r\t\x1b\u202e"), said


@pytest.mark.parametrize("opening", ["", "```python\n", "1. "])
def test_a_long_block_is_cut_where_its_lines_end_and_nothing_of_it_is_lost(opening: str) -> None:
    lines = [f"line {number:05}" for number in range(1_500)]
    portions = ("\n".join([*lines[start : start + 20], ""]) for start in range(0, len(lines), 20))
    parts = blocks_of([opening, *portions])
    assert max(len(part) for part, _ in parts) <= 4_500
    assert [goes_on for _, goes_on in parts] == [False] + [True] * (len(parts) - 1)
    assert all(part.startswith(opening) for part, _ in parts) or opening == "1. "
    assert [line for part, _ in parts for line in part.removeprefix(opening).splitlines()] == lines


@pytest.mark.parametrize(("text", "shortest"), [("x" * 40_000, 4_000), ("word " * 8_000, 4_000)])
def test_a_long_line_is_cut_too(text: str, shortest: int) -> None:
    parts = [part for part, _ in blocks_of([text[start : start + 100] for start in range(0, len(text), 100)])]
    assert "".join(parts) == text
    assert all(shortest - 100 < len(part) < 4_500 for part in parts[:-1])


def rows(lines: list[Line]) -> list[str]:
    return ["".join(segment.text for segment in line).rstrip() for line in lines]


def test_a_block_taller_than_the_screen_is_given_row_by_row_and_once() -> None:
    writing = Writing(canvas(height=6)[0])
    given_rows: list[str] = []
    for number in range(40):
        writing.add(f"{number}. item {number}\n")
        stay, live = writing.lay_out()
        assert len(live) <= 5
        given_rows += rows(stay)
    writing.end()
    stay, live = writing.lay_out()
    given_rows += rows(stay)
    assert live == []
    assert [row.split()[-1] for row in given_rows] == [str(number) for number in range(40)]


@pytest.mark.parametrize("width", [20, 80])
def test_after_a_change_of_the_width_rows_may_come_twice_but_none_is_lost(width: int) -> None:
    drawn, console = canvas(width=40, height=6)
    writing = Writing(drawn)
    words = [f"w{number:03}" for number in range(200)]
    writing.add(" ".join(words[:150]))
    seen = rows(writing.lay_out()[0])
    console.width = width
    writing.add(" " + " ".join(words[150:]))
    writing.end()
    seen += rows(writing.lay_out()[0])
    assert sorted(set(" ".join(seen).split())) == words


def test_blocks_are_one_empty_line_apart_whatever_they_are() -> None:
    writing = Writing(canvas(height=60)[0])
    writing.add("# Title\n\ntext\n\n```\n\ncode\n```\n| a |\n|---|\n| 1 |\n\n## Next\n\n- one\n")
    writing.end()
    stay, _ = writing.lay_out()
    text = "\n".join(rows(stay))
    assert "\n\n\n" not in text
    assert [part.split()[-1] for part in text.split("\n\n")] == ["Title", "text", "code", "1", "Next", "one"]
