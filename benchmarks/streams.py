"""The client's connections. While the clock runs they keep what comes, note when, and read no more than they must."""

import asyncio
import json
import re
import time
from array import array
from dataclasses import dataclass, field
from typing import cast

from benchmarks.contenders.program import WORDS
from benchmarks.plan import Plan

_END = b"\r\n0\r\n\r\n"
_FIRST = json.dumps(WORDS[0]).encode()
_WORD = re.compile(rb'" w\d+"')
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass
class Notes:
    """What all streams write down."""

    first: "array[float]" = field(default_factory=lambda: array("d"))
    gaps: "array[float]" = field(default_factory=lambda: array("d"))
    begun: int = 0
    """Streams that have seen a first token."""


class Stream(asyncio.Protocol):
    """One connection, which asks again as soon as it is answered."""

    def __init__(self, plan: Plan, request: bytes, notes: Notes) -> None:
        self.kept: list[bytes] = []
        self.size = 0
        self.pid = plan.pid
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request = request
        self._notes = notes
        self._waits = self._has_begun = False
        self._asked = 0.0
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection; `ask` begins."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it

    def ask(self) -> None:
        """Send the request."""
        self._waits = True
        self._asked = time.perf_counter()
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Keep what came, and see whether the reply ends with it."""
        self.kept.append(data)
        self.size += len(data)
        if self._waits and _FIRST in data:
            self._note_first()
        if data.endswith(_END) or (len(data) < len(_END) and self._ends()):
            self._next()

    def connection_lost(self, _exc: Exception | None) -> None:
        """Wait no more."""
        if not self.over.done():
            self.over.set_result(None)

    def _note_first(self) -> None:
        self._waits = False
        self._notes.first.append(time.perf_counter() - self._asked)
        if not self._has_begun:
            self._has_begun = True
            self._notes.begun += 1

    def _ends(self) -> bool:
        return b"".join(self.kept[-len(_END) :]).endswith(_END)

    def _next(self) -> None:
        self.ask()


class TimedStream(Stream):
    """A stream that notes when each token came."""

    _last = 0.0

    def data_received(self, data: bytes) -> None:
        """Note the gap before each token; those that come together have none between them."""
        now = time.perf_counter()
        for _ in _WORD.findall(data):
            if self._last:
                self._notes.gaps.append(now - self._last)
            self._last = now
        super().data_received(data)

    def ask(self) -> None:
        """Begin anew: what passes before the first token is no gap."""
        self._last = 0.0
        super().ask()


class Whole(Stream):
    """A connection whose replies do not stream."""

    _must = 0

    def data_received(self, data: bytes) -> None:
        """Keep what came until there is as much as the head says."""
        self.kept.append(data)
        self.size += len(data)
        if not self._must:
            head, blank, rest = data.partition(b"\r\n\r\n")
            if not blank or (found := _LENGTH.search(head)) is None:
                raise ValueError(f"no length in {data!r:.300}")
            self._must = int(found[1]) - len(rest)
        else:
            self._must -= len(data)
        if self._must <= 0:
            self._must = 0
            self._note_first()
            self._next()


class Question(Whole):
    """A connection that asks once, and stays open."""

    def _next(self) -> None:
        self.over.set_result(None)
