"""What connections may do, and how many there may be: as many as were allowed, or as the system has room for."""

import logging
import math
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from typing import Any, NamedTuple

from uvicorn.server import ServerState

from mserve.events import Failure

from .stages import Wait

log = logging.getLogger("mserve")

_OWN_FILES = 256
"""What Python, its libraries and the programs keep open, connections aside."""
_LINGER = 2.0
"""Seconds in which a refused client may read why, though it still sends: closing at once would take that away."""
_BODY_IN_ALL = 20
"""Times the longest pause that a body gets in all: else a byte in each pause would hold a connection for good."""

OnRefused = Callable[[Failure, str | None, MutableMapping[str, Any] | None], str]
"""Told what is refused, to which address, and of which request, if the app knows one; gives the answer's id."""


class Rules(NamedTuple):
    """How large and how slow requests may be: bytes of a head, seconds for a head, and without a byte of a body."""

    max_header: int
    header_timeout: float
    body_timeout: float

    def times(self, keep_alive: float) -> Mapping[Wait, tuple[float, float]]:
        """Give how long a connection waits: seconds without a sign, and in all."""
        return {
            Wait.HEAD: (self.header_timeout, math.inf),
            Wait.BODY: (self.body_timeout, _BODY_IN_ALL * self.body_timeout),
            Wait.REST: (self.body_timeout, self.body_timeout),
            Wait.ANSWER: (math.inf, math.inf),
            Wait.REQUEST: (keep_alive, math.inf),
            Wait.END: (_LINGER, math.inf),
        }


class Shared(ServerState):
    """What all connections of a server share."""

    def __init__(self, limit: int, on_refused: OnRefused) -> None:
        super().__init__()
        self.on_refused = on_refused
        self.limit = limit
        """Connections that may be open."""
        self.is_draining = False
        """Whether each answer says that it is the last of its connection."""


def make_room(connections: int, *, may_grow: bool = True) -> int:
    """Let this process open as many files as its connections need, and give how many of these there may be.

    Unless it `may_grow`, since it is not ours: then it is taken as it is, without a word.
    """
    with suppress(ImportError):  # Windows has no such limit
        import resource  # noqa: PLC0415

        now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 2 * connections + _OWN_FILES  # a program may hold a connection of its own for each
        if most != resource.RLIM_INFINITY:
            wanted = min(wanted, most)
        if may_grow and now != resource.RLIM_INFINITY and now < wanted:
            with suppress(ValueError, OSError):  # some systems allow less than they say
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
                now = wanted
        if now != resource.RLIM_INFINITY and now < connections + _OWN_FILES:
            room = max(1, now - _OWN_FILES)
            if may_grow:
                log.warning(
                    "the system allows %s open files: there may be %s connections, not %s", now, room, connections
                )
            return room
    return connections
