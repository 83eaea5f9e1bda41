"""Shows an answer as it comes: drawn on a terminal, as plain text anywhere else."""

import asyncio
import sys
from time import perf_counter
from typing import Protocol

from rich.console import Console
from rich.text import Text as Words

from .canvas import Canvas, Line
from .clean import clean, clean_line
from .reply import Call, Piece, Text, Thought
from .writing import Writing

_PAUSE = 0.05
"""Seconds between two drawings: what comes meanwhile is drawn together."""
_THOUGHTS = 6
"""Lines of reasoning that are seen while it comes."""
_SEEN = 4_000
"""Characters of reasoning, or of a call's arguments, that are laid out for that."""


class View(Protocol):
    """Where an answer is shown."""

    def show(self, piece: Piece) -> None:
        """Show the next of it."""
        ...

    def end(self, figures: str) -> None:
        """Show that it is over, and how fast it came."""
        ...


class Plain:
    """The text, and a line for each call; no reasoning, no figures: somebody else reads this."""

    def __init__(self) -> None:
        self._calls: dict[str, Call] = {}
        self._last = "\n"

    def show(self, piece: Piece) -> None:
        """Show the next of an answer."""
        if isinstance(piece, Text):
            self._write(clean(piece.text))
        elif isinstance(piece, Call):
            self._calls[piece.id] = piece

    def end(self, figures: str) -> None:  # noqa: ARG002  # as the other has it
        """End the last line, and tell the calls."""
        if self._last != "\n":
            self._write("\n")
        for call in self._calls.values():
            self._write(clean(f"{call.name}({call.arguments})\n"))

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
        self._last = text[-1:] or self._last


class Drawn:
    """Markdown, the end of the reasoning while it comes, and the calls as they grow."""

    def __init__(self, console: Console) -> None:
        self._canvas = Canvas(console)
        self._writing = Writing(self._canvas)
        self._thoughts = ""
        self._words = 0
        self._thinks_since: float | None = None
        self._calls: dict[str, Call] = {}
        self._later: asyncio.TimerHandle | None = None
        self._waits = True
        self._folded: list[Line] = []
        self._paint()

    def show(self, piece: Piece) -> None:
        """Show the next of an answer, in a moment."""
        self._waits = False
        if isinstance(piece, Thought):
            self._think(piece.text)
        else:
            self._fold()
            self._say(piece)
        if self._later is None:
            self._later = asyncio.get_running_loop().call_later(_PAUSE, self._paint)

    def end(self, figures: str) -> None:
        """Let all of it stay, and say how fast it came."""
        self._waits = False
        self._fold()
        self._writing.end()
        self._paint()
        calls = [line for call in self._calls.values() for line in self._canvas.lines(_said(call))]
        told = self._canvas.lines(Words(figures, style="dim")) if figures else []
        self._canvas.draw([*calls, *told, []], [])

    def _say(self, piece: Text | Call) -> None:
        if isinstance(piece, Text):
            self._writing.add(piece.text)
        else:
            self._calls[piece.id] = piece

    def _think(self, text: str) -> None:
        if self._thinks_since is None:
            self._writing.end()
            self._paint()
            self._thinks_since = perf_counter()
        self._thoughts += text
        self._words += text.count(" ")
        self._thoughts = self._thoughts[-_SEEN:]

    def _fold(self) -> None:
        """Make one line of the reasoning."""
        if self._thinks_since is not None:
            took = perf_counter() - self._thinks_since
            told = Words(f"thought for {took:.1f} s, about {self._words + 1} words", style="dim")
            self._folded += self._canvas.lines(told)
            self._thoughts, self._words, self._thinks_since = "", 0, None

    def _paint(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None
        stay, live = self._writing.lay_out()
        if self._thinks_since is not None:
            live += self._canvas.lines(Words(clean(self._thoughts), style="dim italic"))[-_THOUGHTS:]
        for call in self._calls.values():
            live += self._canvas.lines(_said(call, _SEEN))[-_THOUGHTS:]
        if self._waits:
            live = self._canvas.lines(Words("…", style="dim"))
        self._canvas.draw(self._folded + stay, live)
        self._folded = []


def _said(call: Call, longest: int | None = None) -> Words:
    arguments = call.arguments if longest is None else call.arguments[-longest:]
    return Words.assemble(("calls ", "dim"), (clean_line(call.name), "bold"), " ", clean(arguments))
