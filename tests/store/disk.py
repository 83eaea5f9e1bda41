"""A disk so small that it is soon full: a real one where this user may mount it, else a bound on the size of files."""

import contextlib
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

SIZE = 4 * 2**20


@contextlib.contextmanager
def small(folder: Path) -> Iterator[Callable[[], None]]:
    """Make a folder that takes a few megabytes, and give what makes room in it."""
    folder.mkdir()
    mounting = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", folder], capture_output=True, check=False
    )
    if mounting.returncode == 0:
        try:
            yield lambda: _run("mount", "-o", f"remount,size={16 * SIZE}", str(folder))
        finally:
            _run("umount", "-l", str(folder))
        return
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SIZE, before[1]))
    try:
        yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
