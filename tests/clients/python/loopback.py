"""Keeps a client's process on this machine: importing this ends it at the first step outside, whatever catches errors.

As a command, `python loopback.py MODULE …`, it runs a module as `python -m` does, and no further.
"""

import os
import runpy
import sys
from pathlib import Path
from typing import Any

LEFT = 97
"""The exit code of a process that wanted to leave."""


def guard(event: str, arguments: tuple[Any, ...]) -> None:
    """See each name that is looked up and each address that is connected to, before it happens."""
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host is not None and host not in ("localhost", "::1") and not host.startswith("127."):
        os.write(2, f"This client wants to reach {host}.\n".encode())
        os._exit(LEFT)


sys.addaudithook(guard)

if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).parent))
    sys.argv[:] = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
