"""A command on a terminal of its own, and what the screen of that really shows: a pseudo-terminal and an emulator."""

import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Mapping

import pyte

LIMIT = 20.0


def _own_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Screen:
    """`mserve chat` as somebody sees it who types. `raw` is all that it wrote."""

    def __init__(self, *arguments: str, env: Mapping[str, str], columns: int = 60, rows: int = 20) -> None:
        self.raw = b""
        self._screen = pyte.HistoryScreen(columns, rows, history=10_000)
        self._stream = pyte.ByteStream(self._screen)
        self._changed = threading.Condition()
        self._ours, theirs = os.openpty()
        self._set_size(columns, rows)
        whole = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mserve", "chat", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=whole | {"TERM": "xterm-256color"} | dict(env),
            start_new_session=True,
            preexec_fn=_own_terminal,  # noqa: PLW1509  # one call of the kernel, no more
        )
        os.close(theirs)
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def lines(self) -> list[str]:
        """All lines, those too that have scrolled away."""
        with self._changed:
            above = ["".join(line[x].data for x in range(self._screen.columns)) for line in self._screen.history.top]
            return [line.rstrip() for line in [*above, *self._screen.display]]

    @property
    def text(self) -> str:
        return "\n".join(self.lines()).rstrip("\n")

    def type(self, text: str) -> None:
        os.write(self._ours, os.fsencode(text))

    def resize(self, columns: int, rows: int) -> None:
        with self._changed:
            self._screen.resize(rows, columns)
        self._set_size(columns, rows)

    def wait_for(self, pattern: str, limit: float = LIMIT) -> re.Match[str]:
        """Wait until the screen matches; an error with all of it where it does not in time."""
        until = time.monotonic() + limit
        while (found := re.search(pattern, self.text)) is None:
            left = until - time.monotonic()
            assert left > 0, f"{pattern!r} not seen in {limit} s; the screen:\n{self.text}"
            assert self._reading.is_alive(), f"{pattern!r} not seen before the end; the screen:\n{self.text}"
            with self._changed:
                self._changed.wait(min(left, 0.1))
        return found

    def end(self) -> int:
        """Wait for its end, and give its exit code."""
        code = self.process.wait(LIMIT)
        self._reading.join(LIMIT)
        return code

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.end()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.end()
            raise

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._ours, 65536)
            except OSError:  # nobody has the other end any more
                data = b""
            with self._changed:
                if not data:
                    os.close(self._ours)
                    self._changed.notify_all()
                    return
                self.raw += data
                self._stream.feed(data)
                self._changed.notify_all()
