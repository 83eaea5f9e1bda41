"""Notices edits of Python files below some folders. Looks into no environment, no cache and nothing hidden."""

import asyncio
import os
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import aclosing
from pathlib import Path

from watchfiles import Change, awatch

_CACHES = {"__pycache__", "node_modules", "site-packages"}
_MOST = 1000
"""Folders that are watched, the nearest first: each costs the system something, and a home folder has many."""
_QUIET_MS = 50
"""How long nothing may change before a change counts: editors write in several steps."""
_MOST_MS = 500
"""How long that may take."""
_AGAIN = 0.5
"""Seconds until a folder that is gone is looked for again."""


async def edits(roots: Iterable[Path]) -> AsyncIterator[list[Path]]:
    """Give the files that were changed, each time that some were; a new folder counts, too."""
    roots = tuple(roots)
    while roots:
        try:
            async with aclosing(_changes(_folders(roots))) as seen:
                changes: set[tuple[Change, str]] = set()
                while not _has_folder(changes):  # then there is more to watch
                    changes = await anext(seen)
                    yield sorted({Path(path) for _, path in changes})
        except FileNotFoundError:  # a folder is gone: it may come again, as when branches change
            await asyncio.sleep(_AGAIN)
        except ExceptionGroup as group:
            if group.split(_is_no_text)[1] is not None:
                raise
            await asyncio.sleep(_AGAIN)


def _is_no_text(error: BaseException) -> bool:
    """Tell whether a file has a name that the library cannot say: nobody imports it."""
    return isinstance(error, RuntimeError) and "decode path" in str(error)


def _changes(folders: Iterable[Path]) -> AsyncGenerator[set[tuple[Change, str]], None]:
    return awatch(*folders, recursive=False, watch_filter=_matters, step=_QUIET_MS, debounce=_MOST_MS)


def _folders(roots: Iterable[Path]) -> list[Path]:
    found = dict.fromkeys(roots)
    ahead = deque(found)
    while ahead and len(found) < _MOST:
        for folder in _below(ahead.popleft()):
            if folder not in found:
                found[folder] = None
                ahead.append(folder)
    return list(found)[:_MOST]


def _below(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            yield from (
                Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False) and _is_own(entry.path)
            )
    except OSError:
        return  # gone, or not ours to read


def _is_own(folder: str) -> bool:
    name = os.path.basename(folder)  # noqa: PTH119  # for each change
    return not name.startswith(".") and name not in _CACHES and not os.path.exists(f"{folder}/pyvenv.cfg")  # noqa: PTH110


def _has_folder(changes: Iterable[tuple[Change, str]]) -> bool:
    return any(Path(path).is_dir() for _, path in changes)


def _matters(change: Change, path: str) -> bool:
    name = os.path.basename(path)  # noqa: PTH119
    if name.endswith(".py"):
        return not name.startswith(".")
    return change is Change.added and os.path.isdir(path) and _is_own(path)  # noqa: PTH112
