"""Tells code that a program's author wrote from libraries, ours and Python's, where an exception came through it."""

import sysconfig
import traceback
from collections.abc import Sequence
from pathlib import Path

_LIBRARIES = (Path(__file__).parent, Path(sysconfig.get_path("stdlib")))


def is_own(filename: str) -> bool:
    """Tell the author's own file from a library's, ours, and what is no file."""
    path = Path(filename)
    installed = not {"site-packages", "dist-packages"}.isdisjoint(path.parts)
    return path.is_file() and not installed and not any(path.is_relative_to(library) for library in _LIBRARIES)


def own_frames(error: BaseException) -> Sequence[traceback.FrameSummary]:
    """Give the places in the author's code that an error came through: that which raised it last."""
    return [frame for frame in traceback.extract_tb(error.__traceback__) if is_own(frame.filename)]
