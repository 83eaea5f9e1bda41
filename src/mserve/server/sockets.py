"""Opens the socket to serve on. Every way that this fails is told as what to do."""

import errno
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from mserve.errors import StartupError

_BACKLOG = 2048
"""Connections that may wait; uvicorn's own number."""
_DEAD = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 6, "TCP_USER_TIMEOUT": 120_000}
"""What a peer is given that no longer answers: two minutes, whether something is on its way to it or not."""


@contextmanager
def listening(host: str, port: int, uds: str | None = None) -> Iterator[socket.socket]:
    """Listen on an address, or on a UNIX socket, for as long as it is entered; `StartupError` where it cannot be had.

    Who connects waits until the server answers.
    """
    if uds is None:
        with bind(host, port) as listener:
            yield listener
        return
    with bind_unix(uds) as listener:
        ours = Path(uds).stat().st_ino
        try:
            yield listener
        finally:
            with suppress(OSError):
                if Path(uds).stat().st_ino == ours:  # else another server has taken the place meanwhile
                    Path(uds).unlink()


@contextmanager
def spread(listener: socket.socket, count: int) -> Iterator[list[socket.socket]]:
    """Give a listener for each of some processes, to which the kernel deals connections out evenly.

    The same one for all where it cannot: on UNIX sockets, and elsewhere than on Linux.
    """
    if listener.family == socket.AF_UNIX or sys.platform != "linux":
        yield [listener] * count
        return
    with ExitStack() as further:
        yield [listener, *(further.enter_context(_beside(listener)) for _ in range(count - 1))]


def _beside(listener: socket.socket) -> socket.socket:
    # Only now: had the first one allowed it from the start, two servers could take one address, and nobody be told.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return _listener(listener.family, listener.getsockname(), shares=True)


def bind(host: str, port: int) -> socket.socket:
    """Take an address; `StartupError` where it cannot be had. Who connects now waits until the server answers."""
    try:
        return _bound(host, port)
    except (OSError, TypeError) as error:  # a TypeError is a host's name that cannot be encoded
        raise StartupError(_reason(host, port, error)) from error


def bind_unix(path: str) -> socket.socket:
    """Take a path; `StartupError` where it cannot be had. A socket that a dead server left there is removed.

    Who may call is said by the umask, or by the mode of the socket that was there.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        mode = _make_way(path)
        listener.bind(path)
        if mode is not None:
            Path(path).chmod(mode)  # nobody can call before the next step
        listener.listen(_BACKLOG)
        listener.set_inheritable(True)
    except (OSError, ValueError, TypeError) as error:
        listener.close()
        why = getattr(error, "strerror", None) or error
        raise StartupError(f"cannot listen on {path}: {why}; choose another with --uds") from error
    except StartupError:
        listener.close()
        raise
    return listener


def _make_way(path: str) -> int | None:
    """Remove a socket that nobody listens on, and give what its mode was: who could call still can."""
    try:
        mode = Path(path).stat().st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISSOCK(mode):
        raise StartupError(f"cannot listen on {path}: it is there already, and no socket; choose another with --uds")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        try:
            caller.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink()
            return stat.S_IMODE(mode)
    raise StartupError(f"{path} is in use: choose another with --uds, or stop what uses it")


def _bound(host: str, port: int) -> socket.socket:
    return _listener(socket.AF_INET6 if ":" in host else socket.AF_INET, (host, port))


def _listener(family: int, address: tuple[Any, ...], *, shares: bool = False) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shares:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        _notice_the_dead(listener)
        listener.bind(address)
        listener.listen(_BACKLOG)  # else a second server could take the same address, and fail only once it is ready
    except BaseException:
        listener.close()
        raise
    listener.set_inheritable(True)
    return listener


def _notice_the_dead(listener: socket.socket) -> None:
    """Let connections end whose peer is gone without a word: what a listener is told, its connections inherit."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name in filter(partial(hasattr, socket), _DEAD):  # not every system has each
        listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), _DEAD[name])


def _reason(host: str, port: int, error: Exception) -> str:
    if getattr(error, "errno", None) == errno.EADDRINUSE:
        return f"port {port} on {host} is in use: choose another with --port, or stop what uses it"
    why = getattr(error, "strerror", None) or error
    return f"cannot listen on {host}, port {port}: {why}; choose others with --host and --port"
