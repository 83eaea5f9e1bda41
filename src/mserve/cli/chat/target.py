"""Finds what a chat talks to: a server that is there, or a program that gets one for as long as the chat lasts."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from rich.text import Text

from mserve.cli.arguments import forget_secrets
from mserve.cli.failure import errors
from mserve.server.companion import companion

from .api import Api, address
from .clean import clean

_LINES = 20
_READ = 16 * 1024


@contextmanager
def reached(target: str, key: str | None) -> Iterator[tuple[Api, Callable[[], None]]]:
    """Give a way to a server, and what to call when an answer failed: it shows what the server's log says of it."""
    url = address(target)
    if url is not None:
        yield Api(url, key or key_of_the_environment()), lambda: None
        return
    forget_secrets()
    with tempfile.TemporaryFile() as logs, companion(target, logs) as ready:
        log = _Log(logs)
        yield Api(ready.base_url, None), log.show


class _Log:
    """What a program's process prints."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._shown = self._size()

    def show(self) -> None:
        """Show the end of what is new."""
        size = self._size()
        # By its place, and not by the file's own: that one is where the process goes on to write.
        new = os.pread(self._file.fileno(), _READ, max(self._shown, size - _READ))
        self._shown = size
        lines = clean(new.decode(errors="replace")).splitlines()
        if lines:
            errors.print(Text("\n".join(lines[-_LINES:]), style="dim"))

    def _size(self) -> int:
        return os.fstat(self._file.fileno()).st_size


def key_of_the_environment() -> str | None:
    """Give the key of the environment. A server's own list of keys may name whose they are."""
    ours = os.environ.get("MSERVE_API_KEY", "").split()
    return ours[0].rpartition(":")[2] if ours else os.environ.get("OPENAI_API_KEY")
