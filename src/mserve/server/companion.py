"""A server in a process of its own, for one that only talks to it: it ends with that one, however that one ends."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

import msgspec

from mserve.errors import LoadError, StartupError

from .child import command_of
from .config import Settings
from .messages import Failed, Order, Ready, Said
from .sockets import bind

_HOST = "127.0.0.1"
_SETTINGS = Settings(
    log_level="critical",  # why a program failed is told in its answer; what it prints itself is not held back
    show_errors=True,
    access_log=False,
    metrics=False,
    playground=False,
    store="none",
    shutdown_timeout=1,
    close_timeout=5,
)


@contextmanager
def companion(program: str, logs: IO[bytes]) -> Iterator[Ready]:
    """Serve a program on a free port of this machine; what its process prints goes into a file.

    Raises `LoadError` and `StartupError` as `mserve run` would.
    """
    ours, theirs = socket.socketpair()
    with ours:
        with theirs, bind(_HOST, 0) as listener:
            process = _start((theirs.fileno(), listener.fileno()), logs)
        try:
            ours.sendall(msgspec.json.encode(Order((program,), (), _SETTINGS)) + b"\n")
            yield _ready(ours)
        finally:
            ours.close()  # which it takes for the end of this process
            with suppress(KeyboardInterrupt):
                process.wait()
            process.kill()  # nothing, unless somebody would not wait
            process.wait()


def _start(files: tuple[int, int], logs: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603  # our own module
        command_of(files),
        pass_fds=files,
        stdin=subprocess.DEVNULL,
        stdout=logs,
        stderr=logs,
        start_new_session=True,  # a Ctrl-C in the terminal is not meant for it
    )


def _ready(channel: socket.socket) -> Ready:
    """Wait until it serves."""
    with channel.makefile("rb") as lines, suppress(ConnectionError):
        said = msgspec.json.decode(lines.readline() or b"null", type=Said | None)
        if isinstance(said, Failed):
            raise LoadError(said.reason) if said.is_load else StartupError(said.reason)
        if isinstance(said, Ready):
            return said
    raise StartupError("the program's process ended before it served")
