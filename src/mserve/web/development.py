"""Tells pages what becomes of the programs while these are written. Holds nobody up who serves the next version."""

import asyncio
from collections.abc import Sequence

import msgspec
from starlette.types import Receive, Scope, Send

from mserve.events import Failure
from mserve.protocols.framing import PING, frame

from .leaving import Watch
from .replies import send_failure, send_nothing

PATH = "/dev/events"

_MOST = 4
"""Streams at once: a browser has six connections to a server, and needs some to ask for answers."""
_BEHIND = 64
"""Messages that a stream may be behind."""
_BUSY = Failure(429, f"There are {_MOST} of these streams already.", "too_many_streams")
_HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store")]


class Serving(msgspec.Struct, frozen=True, tag="serving"):
    """These programs are served: the first message of each stream."""

    programs: tuple[str, ...]


class Edit(msgspec.Struct, frozen=True, tag="edited"):
    """Files were changed: a new version is about to be loaded."""

    files: tuple[str, ...]


class Fault(msgspec.Struct, frozen=True, tag="failed"):
    """The new version is not served; this one goes on."""

    reason: str


class Development:
    """What one version of the programs tells of the next, until that takes over."""

    def __init__(self, programs: Sequence[str], ping: float) -> None:
        self._ping = ping
        self._first = Serving(tuple(programs))
        self._fault: Fault | None = None
        self._streams: set[asyncio.Queue[bytes | None]] = set()
        self._is_over = False

    def tell(self, said: Edit | Fault) -> None:
        """Tell all streams, and those to come that the last edit is not served. On the loop."""
        self._fault = said if isinstance(said, Fault) else None
        for stream in self._streams:
            _put(stream, frame(said))

    def end(self) -> None:
        """End all streams: the next version, or nobody, answers from now on."""
        self._is_over = True
        for stream in self._streams:
            _end(stream)

    async def events(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the events of this version, as a stream that ends with it."""
        if len(self._streams) >= _MOST:
            await send_failure(send, _BUSY)
            return
        stream: asyncio.Queue[bytes | None] = asyncio.Queue(_BEHIND)
        for said in (self._first, self._fault):
            if said is not None:
                _put(stream, frame(said))
        if self._is_over or scope["method"] == "HEAD":
            _end(stream)  # no refusal: browsers would show it, and who asked asks the next version
        self._streams.add(stream)
        watch = Watch(scope, receive, lambda: _end(stream))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            while (text := await _next(stream, self._ping)) is not None:
                await send({"type": "http.response.body", "body": text, "more_body": True})
            await send({"type": "http.response.body"})
        finally:
            watch.end()
            self._streams.discard(stream)


async def no_events(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer a page where nothing is being written: an error would stand in its browser's console, and in the log."""
    await send_nothing(send, [])


def _put(stream: asyncio.Queue[bytes | None], text: bytes) -> None:
    try:
        stream.put_nowait(text)
    except asyncio.QueueFull:
        _end(stream)


def _end(stream: asyncio.Queue[bytes | None]) -> None:
    """End a stream at once, whatever it has not sent: who follows it asks again."""
    while not stream.empty():
        stream.get_nowait()
    stream.put_nowait(None)


async def _next(stream: asyncio.Queue[bytes | None], ping: float) -> bytes | None:
    try:
        async with asyncio.timeout(ping):
            return await stream.get()
    except TimeoutError:
        return PING
