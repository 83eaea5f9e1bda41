"""Who takes part, and how each is started: on one core, and stopped while it is not its turn."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from benchmarks.asking import body
from benchmarks.machine import family, on_cores

KEY = "a-key-for-the-race"
_HERE = Path(__file__).parent
_PROGRAMS = _HERE / "contenders"
PROGRAM = _PROGRAMS / "program.py"
"""What all of them serve."""
OTHERS = _HERE.parent / ".venv-bench" / "bin" / "python"
"""The Python of an environment of their own, which the charts are drawn in, too."""
_START = 60.0
_END = 10.0


@dataclass(frozen=True)
class Contender:
    """One way to serve the program."""

    name: str
    label: str
    command: Sequence[str]
    """What starts it; the port comes last."""
    done: bool = True
    """Whether its streams end with `[DONE]`."""
    environment: Mapping[str, str] | None = None
    leaves_off: bool = True
    """Whether it ends the program when a client leaves; else what was left behind would slow its next turn down."""


def _other(file: str) -> list[str]:
    return [str(OTHERS), str(_PROGRAMS / file)]


def ours(*flags: str) -> Contender:
    """Give mserve with everything on but the access line, and with further flags."""
    command = [
        sys.executable,
        "-m",
        "mserve",
        "run",
        str(PROGRAM),
        "--no-access-log",
        *flags,
        "--port",
    ]
    return Contender("ours", "mserve", command, environment={"MSERVE_API_KEY": f"bench:{KEY}"})


CONTENDERS = {
    contender.name: contender
    for contender in (
        Contender("raw", "raw uvloop socket", [sys.executable, str(_PROGRAMS / "raw.py")]),
        ours(),
        Contender("m-serve", "`m serve`", _other("with_mellea.py")),
        Contender("fastapi", "FastAPI", _other("with_fastapi.py")),
        Contender("hayhooks", "hayhooks", _other("with_hayhooks.py"), done=False),
        Contender("litserve", "LitServe", _other("with_litserve.py"), leaves_off=False),
    )
}


class CannotServeError(Exception):
    """A contender did not begin to answer."""


class Server:
    """A contender that runs. It answers once it is made; `rest` and `wake` stop it and let it go on."""

    def __init__(self, contender: Contender, *, cores: set[int]) -> None:
        self.contender = contender
        self.port = free_port()
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the server
        environment = os.environ | {"PYTHONUNBUFFERED": "1"} | dict(contender.environment or {})
        try:
            with on_cores(cores):
                self._process = subprocess.Popen(
                    [*contender.command, str(self.port)],
                    stdout=self._log,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    start_new_session=True,
                )
        except OSError as error:
            raise CannotServeError(str(error)) from None
        try:
            self._wait_until_ready()
        except CannotServeError:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The process that all others of this contender descend from."""
        return self._process.pid

    def rest(self) -> None:
        """Stop it: some poll, and would take time from whose turn it is."""
        os.killpg(self.pid, signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on."""
        os.killpg(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """End it, and everything that it started."""
        members = family(self.pid)
        self._signal(signal.SIGCONT)
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END)
        self._signal(signal.SIGKILL)
        for pid in members[1:]:
            _kill(pid)
        self._process.wait()
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + _START
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                self._log.seek(0)
                raise CannotServeError(self._log.read().decode(errors="replace")[-800:])
            time.sleep(0.05)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
        try:
            connection.request("POST", "/v1/chat/completions", body("burst 1 0", stream=False), headers)
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


def free_port() -> int:
    """Give a port that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
