"""Opens the socket to serve on. Every way that this fails is told as what to do."""

import errno
import socket

from mserve.errors import StartupError

_BACKLOG = 2048
"""Connections that may wait; uvicorn's own number."""


def bind(host: str, port: int) -> socket.socket:
    """Take an address; `StartupError` where it cannot be had. Who connects now waits until the server answers."""
    try:
        return _bound(host, port)
    except (OSError, TypeError) as error:  # a TypeError is a host's name that cannot be encoded
        raise StartupError(_reason(host, port, error)) from error


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)  # else a second server could take the same address, and fail only once it is ready
    except BaseException:
        listener.close()
        raise
    listener.set_inheritable(True)
    return listener


def _reason(host: str, port: int, error: Exception) -> str:
    if getattr(error, "errno", None) == errno.EADDRINUSE:
        return f"port {port} on {host} is in use: choose another with --port, or stop what uses it"
    why = getattr(error, "strerror", None) or error
    return f"cannot listen on {host}, port {port}: {why}; choose others with --host and --port"
