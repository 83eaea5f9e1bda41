"""Clients of kept runs that are cut off and come again: each collects one stream, without a gap and nothing twice."""

import asyncio
import re
import socket
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import httpx

from mserve import events
from mserve.events import Said
from mserve.options import Limits
from mserve.protocols import responses
from mserve.protocols.base import Envelope
from processes import Serve, ServerProcess

SAID_SOURCE = """[
    *(ReasoningDelta(f"thought {number} ") for number in range(3)),
    *(f"word {number}\\u2028 " for number in range(12)),
    ToolCallStart("call_1", "look"),
    *(ToolCallDelta("call_1", piece) for piece in ('{"at"', ': "all', ' of it"', "}")),
    *(f"more {number} " for number in range(9)),
    Usage(7, 30, 0, 3),
]"""
PROGRAM = f"""
import asyncio
import os
from mserve import ReasoningDelta, ToolCallDelta, ToolCallStart, Usage

SAID = {SAID_SOURCE}
notes = os.open(os.environ["NOTES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

async def serve(prompt):
    name, pause, most = prompt.split()
    os.write(notes, f"{{name}} {{os.getpid()}}\\n".encode())
    for number, said in enumerate(SAID):
        if number == int(most):
            await asyncio.sleep(600)
        await asyncio.sleep(float(pause))
        yield said
    if int(most) == len(SAID):
        await asyncio.sleep(600)
"""
"""Says all, with a pause before each event, or only some of them; and notes which process was asked."""

SAID: Sequence[Said] = eval(SAID_SOURCE, vars(events))
ALL = -1
LIMIT = 30.0
Headers = Mapping[str, str]
NONE: Headers = {}
RESET = struct.pack("ii", 1, 0)
_LAST = re.compile(rb"event: response\.(completed|incomplete|failed)\n")
_NUMBER = re.compile(rb"^id: (\d+)$", re.MULTILINE)
_OWN = re.compile(rb"[0-9a-f]{32}|(?<=ed_at\":)\d+")
"""What two streams of one answer differ in: their ids and their times."""


def asked(name: object, pause: float = 0.0, most: int = ALL, **more: Any) -> dict[str, Any]:
    """A request for so much of the program's answer, with such pauses."""
    return {"model": "m", "input": f"{name} {pause} {most}", "background": True, "stream": True} | more


def counts() -> list[int]:
    """Give how many events a stream has once so much is said: nothing, one thing, two."""
    whole = responses.decode(b'{"input": "x"}', Limits())
    encoder = responses.encoder(Envelope("0" * 32, 0, "m"), whole.for_reply())
    rendered = [encoder.open(), *(encoder.encode(0, [said]) for said in SAID)]
    numbers = [frames.count(b"\n\n") for frames in rendered]
    return [sum(numbers[: at + 1]) for at in range(len(numbers))]


def clients() -> httpx.AsyncClient:
    """Give what asks, each time on a connection of its own."""
    return httpx.AsyncClient(limits=httpx.Limits(max_keepalive_connections=0), timeout=LIMIT)


class Stream:
    """One kept run's stream, as one client gets it."""

    def __init__(self, client: httpx.AsyncClient, server: str, frames: Sequence[bytes] = ()) -> None:
        self.frames = [*frames]
        self._client = client
        self._server = server
        self._resumed = 0

    @property
    def id(self) -> str:
        found = re.search(rb'"id":"(resp_\w+)"', self.frames[0])
        assert found is not None
        return found[1].decode()

    @property
    def last(self) -> str:
        """How it ended; "" while it has not."""
        found = _LAST.match(self.frames[-1]) if self.frames else None
        return "" if found is None else found[1].decode()

    @property
    def bare(self) -> list[bytes]:
        """The frames, without what two streams of one answer differ in."""
        return [_OWN.sub(b"-", frame) for frame in self.frames]

    def cut_at(self, count: int, server: str) -> Self:
        """Give a client that has got so much of it, and goes on elsewhere."""
        return type(self)(self._client, server, self.frames[:count])

    async def ask(
        self, body: dict[str, Any], until: int | None = None, *, reset: bool = False, headers: Headers = NONE
    ) -> None:
        """Have it begin, and read, up to so many events at most."""
        await self._read("POST", "/responses", until, reset=reset, json=body, headers=headers)

    async def resume(self, until: int | None = None, *, reset: bool = False, headers: Headers = NONE) -> None:
        """Go on behind what it has; each second time by the header that browsers send."""
        after = str(len(self.frames) - 1)
        self._resumed += 1
        query = {"stream": "true"} if self._resumed % 2 == 0 else {"stream": "true", "starting_after": after}
        if self._resumed % 2 == 0:
            headers = {**headers, "Last-Event-ID": after}
        await self._read("GET", f"/responses/{self.id}", until, reset=reset, params=query, headers=headers)

    async def finish(self) -> None:
        """Come again until it has ended."""
        until = time.monotonic() + LIMIT
        while not self.last:
            assert time.monotonic() < until, f"no end after {len(self.frames)} events: {self.frames[-1:]}"
            try:
                await self.resume()
            except httpx.TransportError:
                await asyncio.sleep(0.02)

    async def status(self) -> str:
        """Ask what has become of it."""
        answer = await self._client.get(f"{self._server}/responses/{self.id}")
        return str(answer.raise_for_status().json()["status"])

    async def _read(self, method: str, path: str, until: int | None, *, reset: bool, **more: Any) -> None:
        async with self._client.stream(method, f"{self._server}{path}", **more) as answer:
            assert answer.status_code == 200, (await answer.aread(), self.frames[-1:])
            rest = b""
            async for piece in answer.aiter_raw():
                *frames, rest = (rest + piece).split(b"\n\n")
                for frame in frames:
                    if not frame.startswith(b":"):
                        self._take(frame)
                    if len(self.frames) == until:
                        if reset:
                            connection = answer.extensions["network_stream"].get_extra_info("socket")
                            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                        return
            assert not rest

    def _take(self, frame: bytes) -> None:
        number = _NUMBER.search(frame)
        assert number is not None, frame
        assert int(number[1]) == len(self.frames), (frame, self.frames[-1:])
        assert not self.last, (frame, self.frames[-1])
        self.frames.append(frame)


async def uninterrupted(client: httpx.AsyncClient, server: str) -> list[bytes]:
    """Give the stream as it is where nothing cuts it."""
    stream = Stream(client, server)
    await stream.ask(asked("whole"))
    assert stream.last == "completed"
    return stream.bare


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for something that happens soon."""
    async with asyncio.timeout(LIMIT):
        while not is_so():
            await asyncio.sleep(0.005)


class Served:
    """Servers of the program on one store, and what they noted."""

    def __init__(self, serve: Serve, folder: Path, store: str) -> None:
        self._serve = serve
        self._notes = folder / "notes"
        self._notes.touch()
        self._store = store

    def start(self, *flags: str, program: str = PROGRAM) -> ServerProcess:
        """Start one more."""
        env = {"NOTES": str(self._notes), "MSERVE_STORE": self._store}
        return self._serve(program, flags=("--no-access-log", *flags), env=env)

    def asked(self) -> list[tuple[str, int]]:
        """Give what the programs were asked, and the processes that they ran in."""
        return [(name, int(pid)) for name, pid in map(str.split, self._notes.read_text().splitlines())]
