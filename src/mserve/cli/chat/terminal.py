"""A terminal's own ways, where it has them: lines that can be edited, and silence while an answer is drawn."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from importlib import import_module
from types import ModuleType

from .heard import heard


def module(name: str) -> ModuleType | None:
    """Give a module of Python's own that not every system has."""
    with suppress(ImportError):
        return import_module(name)
    return None


class Terminal:
    """Where somebody types."""

    def __init__(self) -> None:
        self._readline = module("readline")
        self._was_empty = False

    def ask(self, prompt: str) -> str | None:
        """Ask for a line; None at the end of all lines. `KeyboardInterrupt` at Ctrl-C on an empty line, "" on another.

        What is asked must be clean.
        """
        before = signal.signal(signal.SIGINT, self._interrupted)
        try:
            with heard() if self._readline is not None else nullcontext():
                return input(prompt)
        except EOFError:
            print()
            return None
        except KeyboardInterrupt:
            print()
            if self._was_empty:
                raise
            return ""
        finally:
            signal.signal(signal.SIGINT, before)

    def _interrupted(self, _number: int, _frame: object) -> None:
        # Now: the line is gone as soon as this is over.
        self._was_empty = self._readline is None or not self._readline.get_line_buffer()
        raise KeyboardInterrupt


@contextmanager
def silent() -> Iterator[None]:
    """Keep what is typed out of what is drawn; it is there for the next question."""
    termios = module("termios")
    if termios is None or not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    changed = termios.tcgetattr(sys.stdin)
    changed[3] &= ~termios.ECHO
    termios.tcsetattr(sys.stdin, termios.TCSANOW, changed)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSANOW, before)
