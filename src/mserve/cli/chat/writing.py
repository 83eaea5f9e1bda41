"""Lays Markdown out that still comes: finished blocks once, the last one anew, its rows that scrolled away once."""

from rich.markdown import Markdown

from .blocks import Blocks, parse
from .canvas import Canvas, Line
from .clean import clean

_BLANK: list[Line] = [[]]


class Writing:
    """One text of an answer, on a canvas."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._blocks = Blocks()
        self._new: list[str] = []
        self._done: list[tuple[str, bool]] = []
        self._has_begun = False
        self._given = 0
        """How many rows of the block that is not finished stay already: it is taller than the screen."""
        self._width = canvas.width

    def add(self, text: str) -> None:
        """Add to it. Nothing is read before it is laid out: that costs the same for one text as for many."""
        self._new.append(text)

    def end(self) -> None:
        """Take the last block for finished."""
        self._read()
        self._done += self._blocks.end()

    def lay_out(self) -> tuple[list[Line], list[Line]]:
        """Give the lines that stay from now on, and those that may change."""
        self._read()
        self._fit()
        stay: list[Line] = []
        for text, goes_on in self._done:
            rows = self._rows(text, goes_on=goes_on)
            stay += rows[self._given :]
            self._given = 0
            self._has_begun = self._has_begun or bool(rows)
        self._done = []
        rows = self._rows(self._blocks.rest, goes_on=self._blocks.goes_on)
        live = rows[self._given :]
        tall = max(0, len(live) - self._canvas.height)
        self._given += tall
        return stay + live[:tall], live[tall:]

    def _read(self) -> None:
        self._done += self._blocks.add(clean("".join(self._new)))
        self._new = []

    def _fit(self) -> None:
        """After a change of the width: rows may come twice, and none is lost."""
        width, self._width = self._width, self._canvas.width
        if self._width > width:
            self._given = self._given * width // self._width

    def _rows(self, text: str, *, goes_on: bool) -> list[Line]:
        markdown = Markdown("", code_theme="ansi_dark", hyperlinks=False)
        markdown.parsed = parse(text)
        rows = _trimmed(self._canvas.lines(markdown))
        return (_BLANK if self._has_begun and not goes_on else []) + rows if rows else []


def _trimmed(rows: list[Line]) -> list[Line]:
    """Take empty rows from both ends: how far blocks are apart is decided here."""
    while rows and not rows[0]:
        rows = rows[1:]
    while rows and not rows[-1]:
        rows = rows[:-1]
    return rows
