"""A real `mserve run` in a process of its own, as a user starts it."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

_READY = re.compile(r"Serving .* at (?P<url>\S+)")
START_LIMIT = 30.0
EXAMPLES = Path(__file__).parent.parent / "examples"


class ServerProcess:
    """A server on a free port. `output` is what it printed so far, both streams; `env` adds to this environment."""

    start: tuple[str, ...] = ("-m", "mserve", "run")

    def __init__(self, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        command = [sys.executable, *self.start, *arguments]
        if "--uds" not in arguments and "--port" not in arguments:
            command += ["--port", "0"]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | dict(env or {})
        )
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()
        self.base_url = ""

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        return "".join(self._lines)

    def wait_until_ready(self) -> None:
        ready = self.wait_for(_READY.pattern, START_LIMIT)
        self.base_url = ready["url"]

    def wait_for(self, pattern: str, limit: float = 5.0) -> re.Match[str]:
        """Wait until the output matches; an error with all of it where it does not in time."""
        until = time.monotonic() + limit
        with self._changed:
            while (found := re.search(pattern, self.output)) is None:
                left = until - time.monotonic()
                assert left > 0, f"{pattern!r} not seen in {limit} s; the output:\n{self.output}"
                assert self._reading.is_alive(), f"{pattern!r} not seen before the end; the output:\n{self.output}"
                self._changed.wait(left)
        return found

    def wait_for_count(self, text: str, count: int, limit: float = 5.0) -> None:
        """Wait until a text was printed so often: what a program prints may be read after its answer."""
        self.wait_for(rf"(?s)({re.escape(text)}.*?){{{count}}}", limit)

    def stop(self, how: int = signal.SIGTERM) -> int:
        """End it, and give its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(how)
        try:
            code = self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._reading.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        return code

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()


class Serve(Protocol):
    """Starts `mserve run` on program files, or on the text of one, and waits until it answers."""

    def __call__(
        self, *programs: str | Path, flags: tuple[str, ...] = (), env: Mapping[str, str] | None = None
    ) -> ServerProcess: ...
