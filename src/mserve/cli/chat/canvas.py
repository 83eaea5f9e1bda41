"""Draws lines that stay, and below them a few that are drawn anew. Never more of those than the screen has rows."""

from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.control import Control
from rich.segment import ControlType, Segment, Segments

from .clean import vanished

Line = list[Segment]


class Canvas:
    """The end of what a terminal shows."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rows = 0

    @property
    def width(self) -> int:
        """How wide a line may be: a column less than there is, so that none ever fills its row and wraps."""
        return max(1, self._console.width - 1)

    @property
    def height(self) -> int:
        """How many lines may be drawn anew."""
        return max(1, self._console.height - 1)

    def lines(self, renderable: RenderableType) -> list[Line]:
        """Lay something out; nothing in it is obeyed by a terminal, whatever it is made of."""
        options = self._console.options.update(width=self.width, height=None)
        return [_bare(line) for line in self._console.render_lines(renderable, options, pad=False)]

    def draw(self, stay: Iterable[Line], live: list[Line]) -> None:
        """Put lines in the place of those that were live, in one write."""
        live = live[-self.height :]
        with self._console:
            self._console.control(self._erasure())
            for line in stay:
                self._console.print(Segments([*line, Segment.line()]), end="")
            self._console.print(Segments(_joined(live)), end="")
        self._rows = len(live)

    def _erasure(self) -> Control:
        """Go back to where the live lines began. After a change of the width these may be more rows: those stay."""
        erase = (ControlType.ERASE_IN_LINE, 2)
        above = [(ControlType.CURSOR_UP, 1), erase] * (self._rows - 1)
        return Control(ControlType.CARRIAGE_RETURN, erase, *above)


def _bare(line: Line) -> Line:
    """Clean a line, and take the blanks from its end that nobody sees."""
    bare = [Segment(vanished(one.text), one.style) for one in line if not one.control]
    while bare and not bare[-1].text.strip() and not _has_ground(bare[-1]):
        bare.pop()
    return bare


def _has_ground(segment: Segment) -> bool:
    color = segment.style.bgcolor if segment.style else None
    return color is not None and not color.is_default


def _joined(lines: list[Line]) -> list[Segment]:
    return [segment for number, line in enumerate(lines) for segment in ([Segment.line()] if number else []) + line]
