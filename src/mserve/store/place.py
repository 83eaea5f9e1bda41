"""Says which process this is, so that others can find out whether it still lives."""

import os
import platform
import secrets
from contextlib import suppress
from pathlib import Path

from .base import Worker

_PROC = Path("/proc")


def this_worker() -> Worker:
    """Give this process, under a name that no other ever has."""
    return Worker(secrets.token_hex(16), host(), os.getpid())


def host(proc: Path = _PROC) -> str:
    """Say where process ids mean the same: this machine, since it was booted, and this namespace of processes."""
    try:
        boot = (proc / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{(proc / 'self/ns/pid').stat().st_ino}"
    except OSError:
        return platform.node()


def is_gone(pid: int) -> bool:
    """Tell whether a process of this host has ended. Another may have its number: then this does not tell."""
    return os.name == "posix" and not _is_there(pid)  # elsewhere the question would end it


def _is_there(pid: int) -> bool:
    try:
        with suppress(PermissionError):  # it is somebody else's
            os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
