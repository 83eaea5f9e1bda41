"""Shows what a program's process has printed, where that explains a failure. Nothing of it is a chat's own text."""

import os
from typing import IO

from rich.text import Text

from mserve.cli.failure import errors

from .clean import clean

_LINES = 20
_READ = 16 * 1024


class Printed:
    """What a process prints into a file; nothing, where it is none of ours."""

    def __init__(self, file: IO[bytes] | None) -> None:
        self._file = file
        self._asked = 0

    def ask(self) -> None:
        """Begin a question: what was printed before has nothing to do with it."""
        self._asked = self._size()

    def show(self) -> None:
        """Show the end of what was printed since."""
        lines = clean(self._end().decode(errors="replace")).splitlines()
        if lines:
            errors.print(Text("\n".join(lines[-_LINES:]), style="dim"))

    def _end(self) -> bytes:
        # By its place, and not by the file's own: that one is where the process goes on to write.
        since = max(self._asked, self._size() - _READ)
        return b"" if self._file is None else os.pread(self._file.fileno(), _READ, since)

    def _size(self) -> int:
        return 0 if self._file is None else os.fstat(self._file.fileno()).st_size
