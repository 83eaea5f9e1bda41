"""Cuts Markdown that still comes into what is finished and the last block, which may yet become something else."""

import re
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

_LONGEST = 4_000
"""Characters of a block that is not finished: it is read anew each time that it grows, so a longer one is cut."""
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")

# Tags are text here: who asked shall see what was said.
_parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def parse(text: str) -> list[Token]:
    """Read Markdown."""
    return _parser.parse(text)


class Blocks:
    """A text that grows at its end, and gets shorter at its beginning."""

    def __init__(self) -> None:
        self.rest = ""
        """The block that is not finished."""
        self.goes_on = False
        """Whether it is the other part of a block that had to be cut."""

    def add(self, text: str) -> list[tuple[str, bool]]:
        """Add to the text; give what that finished, and of each part whether it goes on from what was given before."""
        done: list[tuple[str, bool]] = []
        for start in range(0, len(text), _LONGEST):
            self.rest += text[start : start + _LONGEST]
            for length in self._finished():
                self._shift(length, done)
            if len(self.rest) > _LONGEST:
                self._cut(done)
        return done

    def end(self) -> list[tuple[str, bool]]:
        """Give what is left."""
        done: list[tuple[str, bool]] = []
        self._shift(len(self.rest), done)
        return done

    def _finished(self) -> list[int]:
        """Give the lengths of the blocks before the last. A line that still comes tells nothing: it may be any."""
        lines = self.rest.split("\n")
        tokens = parse("\n".join(lines[:-1]))
        starts = [token.map[0] for token in tokens if token.level == 0 and token.map]
        return [sum(len(line) + 1 for line in lines[begin:end]) for begin, end in pairwise([0, *starts[1:]])]

    def _shift(self, length: int, done: list[tuple[str, bool]]) -> None:
        if length:
            done.append((self.rest[:length], self.goes_on))
            self.rest, self.goes_on = self.rest[length:], False

    def _cut(self, done: list[tuple[str, bool]]) -> None:
        fence = _FENCE.match(self.rest)
        opening = self.rest[: self.rest.find("\n") + 1] if fence else ""
        at = self.rest.rfind("\n") + 1
        if at <= len(opening):
            at = self.rest.rfind(" ") + 1
        self._shift(at if at > len(opening) else len(self.rest), done)
        self.rest, self.goes_on = opening + self.rest, True
