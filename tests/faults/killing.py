"""Clients that are killed at random moments, and what the program they had asked saw of it.

All times are those of one clock, `time.monotonic`, which the processes of a machine share.
"""

import asyncio
import json
import random
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from processes import ServerProcess
from server.raw import posting

BEAT = 0.005
NOTING = f"""
import asyncio
import os
import time
from contextlib import asynccontextmanager

notes = os.open(os.environ["NOTES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def note(word, name):
    os.write(notes, f"{{word}} {{name}} {{time.monotonic()}}\\n".encode())

async def beat():
    while True:
        last = time.monotonic()
        await asyncio.sleep({BEAT})
        if time.monotonic() - last > {2 * BEAT}:
            note("pause", last)

@asynccontextmanager
async def lifespan():
    beating = asyncio.create_task(beat())
    yield
    beating.cancel()
"""
"""How programs begin that are seen from outside: `note` tells a word, and the loop's pauses are told by themselves."""

HOLDER = """
import socket, sys, time
host, port, *requests = sys.argv[1:]
held = []
for request in requests:
    held.append(socket.create_connection((host, int(port))))
    held[-1].sendall(bytes.fromhex(request))
print("asked", flush=True)
time.sleep(60)
"""
RESET = struct.pack("ii", 1, 0)
LIMIT = 10.0


class Killed(NamedTuple):
    """A client that is no more."""

    name: str
    at: float
    heard: bytes
    """What it had been told."""


class Seen:
    """What the programs noted."""

    def __init__(self, notes: Path) -> None:
        self._times: dict[tuple[str, str], list[float]] = {}
        self._pauses: list[tuple[float, float]] = []
        for line in notes.read_text().splitlines():
            word, name, at = line.split()
            if word == "pause":
                self._pauses.append((float(name), float(at)))
            else:
                self._times.setdefault((word, name), []).append(float(at))

    def names(self, word: str) -> set[str]:
        return {name for other, name in self._times if other == word}

    def times(self, word: str, name: str) -> list[float]:
        return self._times.get((word, name), [])

    def paused(self, start: float, end: float) -> float:
        """Give for how long the loop ran nothing at all between two times: its machine had other things to do."""
        overlaps = (min(end, last) - max(start, first) - BEAT for first, last in self._pauses)
        return sum(overlap for overlap in overlaps if overlap > 0)


class Killer:
    """Asks as many clients, some of them in processes of their own, and kills each at a moment of its own."""

    def __init__(self, server: ServerProcess, seed: int, *, at_once: int, speaks: bool) -> None:
        self._speaks = speaks
        url = urlsplit(server.base_url)
        self._address = url.hostname or "", url.port or 0
        self._random = random.Random(seed)
        self._room = asyncio.Semaphore(at_once)

    async def kill(self, names: Sequence[str], *, per_process: int) -> list[Killed]:
        """Give each its end: a fifth of them dies with its process."""
        held = len(names) // 5
        clients = [self._client(name) for name in names[held:]]
        processes = [self._process(names[at : at + per_process]) for at in range(0, held, per_process)]
        work: list[Coroutine[Any, Any, list[Killed]]] = [*clients, *processes]
        self._random.shuffle(work)
        return [killed for some in await asyncio.gather(*map(self._in_turn, work)) for killed in some]

    async def _in_turn(self, work: Coroutine[Any, Any, list[Killed]]) -> list[Killed]:
        async with self._room:
            return await work

    async def _client(self, name: str) -> list[Killed]:
        """Ask, wait: for a time, or for the answer's first words and a little more; and be reset."""
        stream = self._random.random() < 0.7
        speaks = self._speaks and stream and self._random.random() < 0.5
        patience = self._random.uniform(0, 0.05 if speaks else 0.4)
        loop = asyncio.get_running_loop()
        connection = socket.socket()
        connection.setblocking(False)
        await loop.sock_connect(connection, self._address)
        await loop.sock_sendall(connection, request_of(name, stream=stream))
        heard = await asyncio.wait_for(loop.sock_recv(connection, 65536), LIMIT) if speaks else b""
        heard += await _heard(connection, patience)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        at = time.monotonic()
        connection.close()
        return [Killed(name, at, heard)]

    async def _process(self, names: Sequence[str]) -> list[Killed]:
        """Let one process ask for many, and kill it: once it is gone, so are its connections."""
        requests = [request_of(name, stream=self._random.random() < 0.7).hex() for name in names]
        command = [sys.executable, "-S", "-E", "-c", HOLDER, *map(str, self._address), *requests]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        with process.stdout as said:
            assert await asyncio.to_thread(said.readline) == b"asked\n"
        await asyncio.sleep(self._random.uniform(0, 0.4))
        process.kill()
        process.wait()
        at = time.monotonic()
        return [Killed(name, at, b"") for name in names]


async def _heard(connection: socket.socket, seconds: float) -> bytes:
    heard = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while piece := await asyncio.get_running_loop().sock_recv(connection, 65536):
                heard += piece
    except TimeoutError:
        return bytes(heard)
    raise AssertionError(f"the server hung up after {bytes(heard)!r}")


def request_of(prompt: str, *headers: str, stream: bool, model: str = "program") -> bytes:
    asked = {"model": model, "stream": stream, "messages": [{"role": "user", "content": prompt}]}
    body = json.dumps(asked).encode()
    return posting(body, f"Content-Length: {len(body)}", *headers)
