"""Asks whoever types for what to say: a line, or several."""

from .history import History
from .terminal import Terminal

_FIRST, _NEXT = "> ", ". "
_QUOTES = '"""'


class Prompt:
    """The place where somebody types."""

    def __init__(self) -> None:
        self.history = History()
        self._terminal = Terminal()

    def message(self) -> str | None:
        """Ask for something to say; None where somebody wants to leave: by Ctrl-D, or by Ctrl-C twice."""
        interrupted = False
        while True:
            try:
                said = self._whole()
            except KeyboardInterrupt:
                if interrupted:
                    return None
                interrupted = True
                print("(Ctrl-C again, or Ctrl-D, ends the chat)")
                continue
            if said is None:
                return None
            interrupted = False
            if said.strip():
                self.history.add(said)
                return said

    def line(self, prompt: str) -> str:
        """Ask for one line that may be empty; it is when nobody wants to say it."""
        try:
            return self._terminal.ask(prompt) or ""
        except KeyboardInterrupt:
            return ""

    def _whole(self) -> str | None:
        line = self._terminal.ask(_FIRST)
        if line is None:
            return None
        if line.lstrip().startswith(_QUOTES):
            return self._quoted(line.lstrip()[len(_QUOTES) :])
        lines = [line]
        while lines[-1].endswith("\\"):
            lines[-1] = lines[-1][:-1]
            lines.append(self._terminal.ask(_NEXT) or "")
        return "\n".join(lines)

    def _quoted(self, line: str) -> str:
        lines = []
        while not line.rstrip().endswith(_QUOTES):
            lines.append(line)
            following = self._terminal.ask(_NEXT)
            if following is None:
                return "\n".join(lines)
            line = following
        return "\n".join([*lines, line.rstrip()[: -len(_QUOTES)]]).strip("\n")
