"""The lines that were typed, of this chat and those before: in a file that its user alone can read."""

import os
from contextlib import suppress

from platformdirs import user_state_path

from .terminal import module

_MOST = 1000


class History:
    """What the arrow keys find. Where it cannot be kept, there is a chat all the same."""

    def __init__(self) -> None:
        """Take what chats before have left."""
        self._readline = module("readline")
        self._file = user_state_path("mserve") / "chat_history"
        if self._readline is not None:
            self._readline.set_auto_history(False)
        with suppress(OSError):
            self._take(self._file.read_text("utf-8", "replace").splitlines())

    def _take(self, lines: list[str]) -> None:
        for line in lines[-_MOST:]:
            self._remember(line)
        if len(lines) > _MOST:
            self._write("\n".join(lines[-_MOST:]), os.O_TRUNC)

    def add(self, said: str) -> None:
        """Keep what was said, at once: a chat may be killed."""
        for line in filter(str.strip, said.splitlines()):
            self._remember(line)
            with suppress(OSError):
                self._write(line, os.O_APPEND)

    def forget(self) -> None:
        """Keep nothing of it."""
        if self._readline is not None:
            self._readline.clear_history()
        with suppress(OSError):
            self._file.unlink()

    def _remember(self, line: str) -> None:
        if self._readline is not None:
            with suppress(ValueError):  # a line that is none here: cut by a crash, or typed in another encoding
                self._readline.add_history(line)

    def _write(self, text: str, how: int) -> None:
        self._file.parent.mkdir(0o700, parents=True, exist_ok=True)
        with os.fdopen(
            os.open(self._file, os.O_WRONLY | os.O_CREAT | how, 0o600), "w", encoding="utf-8", errors="replace"
        ) as file:
            file.write(f"{text}\n")
