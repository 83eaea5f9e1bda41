"""Shortens tracebacks to what the author of a program can change: their own lines. Loses none of the words."""

import traceback
from collections.abc import Iterator
from itertools import groupby
from types import TracebackType
from typing import Any

from mserve.own import is_own


def brief(error: BaseException, way: TracebackType | None) -> str:
    """Give the traceback of an error that came this way, with each stretch of libraries as one line.

    What caused it, and what a group holds, are told alike. Where no line at all is the author's, nothing is left out.
    """
    told = traceback.TracebackException(type(error), error, way)
    parts = list(_parts(told))
    if any(is_own(frame.filename) for part in parts for frame in part.stack):
        for part in parts:
            part.stack = _Stack(part.stack)
    return "".join(told.format()).rstrip("\n")


def _parts(told: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    """Give it and all that is told with it. By no recursion: each try of many may be the cause of the next."""
    ahead = [told]
    while ahead:
        part = ahead.pop()
        yield part
        more = (part.__cause__, part.__context__, *(part.exceptions or ()))
        ahead += [one for one in more if one is not None]


class _Stack(traceback.StackSummary):
    """A way through code, which names no line of a library's."""

    def format(self, **how: Any) -> list[str]:
        lines: list[str] = []
        for own, frames in groupby(self, lambda frame: is_own(frame.filename)):
            passed = list(frames)
            lines += traceback.StackSummary.from_list(passed).format(**how) if own else [_folded(passed)]
        return lines


def _folded(passed: list[traceback.FrameSummary]) -> str:
    last = passed[-1]
    calls = "1 call" if len(passed) == 1 else f"{len(passed)} calls"
    return f"  … {calls} in libraries, the last: {last.name}, {last.filename}:{last.lineno}\n"
