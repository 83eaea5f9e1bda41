"""Readers that stop reading: the program waits for them, the server keeps little, and nobody else notices."""

import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import httpx
import pytest

from faults.leftovers import TASKS, assert_nothing_is_left, held, memory
from processes import Serve, ServerProcess
from server.raw import answers, posting
from share import SHARE, share

PIECES = 16_000
"""Of a kilobyte each: far more than the system takes upon itself for one connection."""
# `said` and `closed` of one module are what all its programs share: one that is async can tell of one that is sync.
SHARED = f"""
import asyncio
from collections import Counter

said, closed = Counter(), Counter()

def flood(name):
    try:
        for number in range({PIECES}):
            yield f"{{number:05}} {{'x' * 1000}}|"
            said[name] += 1
    finally:
        closed[name] += 1
"""
PROGRAMS = {
    "tasks": TASKS,
    "sync": "import shared\n\ndef serve(prompt):\n    return shared.flood(prompt)\n",
    "async": """
import asyncio
import shared

async def serve(prompt):
    for number, text in enumerate(shared.flood(prompt)):
        yield text
""",
    "tick": """
import asyncio

async def serve():
    while True:
        await asyncio.sleep(0.02)
        yield "."
""",
    "said": """
import json
import shared

async def serve():
    yield json.dumps({name: [count, shared.closed[name]] for name, count in shared.said.items()})
""",
}
MIB = 1024 * 1024
STALL = max(2.0, 10 * SHARE)
"""Seconds."""
LIMIT = 30.0


class Client:
    """Connects to a server, over TLS where it wants that, and with little room for what it does not read."""

    def __init__(self, server: ServerProcess, trusted: ssl.SSLContext | None) -> None:
        self._url = urlsplit(server.base_url)
        self._root = server.base_url
        self._trusted = trusted

    def open(self, model: str, prompt: str) -> socket.socket:
        """Ask for a stream, and read nothing of it."""
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(LIMIT)
        connection.connect((self._url.hostname, self._url.port))
        if self._trusted is not None:
            connection = self._trusted.wrap_socket(connection, server_hostname="127.0.0.1")
        body = json.dumps({"model": model, "stream": True, "messages": [{"role": "user", "content": prompt}]})
        connection.sendall(posting(body.encode(), f"Content-Length: {len(body)}", "Connection: close"))
        return connection

    def said(self) -> dict[str, tuple[int, bool]]:
        """How often each program yielded, and whether it was closed."""
        body = {"model": "said", "messages": [{"role": "user", "content": ""}]}
        reply = httpx.post(f"{self._root}/chat/completions", json=body, timeout=LIMIT)
        counts = json.loads(reply.json()["choices"][0]["message"]["content"])
        return {name: (said, bool(closed)) for name, (said, closed) in counts.items()}

    def wait_until_held(self, names: list[str]) -> dict[str, tuple[int, bool]]:
        """Wait until these programs have begun and none yields any more; give what was said by then."""
        until, now = time.monotonic() + LIMIT, self.said()
        while True:
            time.sleep(0.5)
            then, now = now, self.said()
            if then == now and now.keys() >= set(names):
                return now
            assert time.monotonic() < until


class Gaps:
    """A stream that ticks all the while, and how long it was silent between two reads."""

    def __init__(self, connection: socket.socket) -> None:
        self.seconds: list[float] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._read, args=[connection])
        self._thread.start()

    def _read(self, connection: socket.socket) -> None:
        last = time.monotonic()
        while not self._done.is_set():
            assert connection.recv(65536)
            now = time.monotonic()
            self.seconds.append(now - last)
            last = now

    def take(self) -> list[float]:
        """Give the gaps since the last time."""
        taken, self.seconds = self.seconds, []
        return taken

    def stop(self) -> None:
        self._done.set()
        self._thread.join()


@pytest.fixture
def server(serve: Serve, trusted: ssl.SSLContext | None, tmp_path: Path) -> ServerProcess:
    files = [tmp_path / f"{name}.py" for name in PROGRAMS]
    for file, program in zip(files, PROGRAMS.values(), strict=True):
        file.write_text(program)
    (tmp_path / "shared.py").write_text(SHARED)
    tls = () if trusted is None else ("--ssl-certfile", str(tmp_path / "server.pem"))
    return serve(*files, flags=("--no-access-log", *tls))


def texts(connection: socket.socket) -> list[str]:
    """Read a stream to its end, and give the texts of its frames, which has to be whole."""
    raw = bytearray()
    while piece := connection.recv(MIB):
        raw += piece
    (answer,) = answers(bytes(raw))
    assert answer.body.endswith(b"data: [DONE]\n\n")
    frames = [json.loads(frame) for frame in re.findall(rb"^data: (\{.*\})$", answer.body, re.MULTILINE)]
    assert frames[-1]["choices"][0]["finish_reason"] == "stop"
    return [text for frame in frames if (text := frame["choices"][0]["delta"].get("content"))]


@contextmanager
def ticking(client: Client) -> Iterator[Gaps]:
    with client.open("tick", "") as connection:
        gaps = Gaps(connection)
        try:
            yield gaps
        finally:
            gaps.stop()


@pytest.mark.parametrize(
    ("trusted", "model"), [("plain", "async"), ("plain", "sync"), ("tls", "async")], indirect=["trusted"]
)
def test_a_reader_that_stalls_holds_its_program_and_nothing_else(
    server: ServerProcess, trusted: ssl.SSLContext | None, model: str
) -> None:
    client = Client(server, trusted)
    whole = [f"{number:05} {'x' * 1000}|" for number in range(PIECES)]
    with client.open(model, "warm") as connection:
        assert texts(connection) == whole
    before = held(server)
    with ticking(client) as gaps:
        time.sleep(1)
        usual = gaps.take()
        with client.open(model, "stalled") as connection:
            said = client.wait_until_held(["stalled"])
            assert 0 < said["stalled"][0] < PIECES
            gaps.take()
            until = time.monotonic() + STALL
            while time.monotonic() < until:
                assert memory(server.pid) - before.memory < MIB
                assert client.said() == said
                time.sleep(0.2)
            meanwhile = gaps.take()
            assert texts(connection) == whole
        assert client.said()["stalled"] == (PIECES, True)
    assert len(meanwhile) > STALL / 0.02 / 4
    assert median(meanwhile) < 2 * median(usual)
    assert max(meanwhile) < 0.25 + 2 * max(usual)
    assert_nothing_is_left(server, before, memory=4 * MIB)


def test_many_readers_that_stall_cost_little_each(server: ServerProcess, trusted: ssl.SSLContext | None) -> None:
    """A program that says a kilobyte at a time costs about 0.5 MiB of memory while its reader stalls, 0.7 over TLS."""
    client, count = Client(server, trusted), share(50)
    with client.open("async", "warm") as connection:
        texts(connection)
    before = held(server)

    def stall(names: list[str]) -> None:
        """Let a crowd stall, all the others leave once one of them has read on, and wait until all is closed."""
        with ExitStack() as stack:
            crowd = [stack.enter_context(client.open("async", name)) for name in names]
            said = client.wait_until_held(names)
            assert memory(server.pid) - before.memory < count * MIB
            assert client.said() == said
            assert not any(said[name][1] for name in names)
            assert len(texts(crowd[-1])) == PIECES
        until = time.monotonic() + LIMIT
        while not all(closed for _, closed in client.said().values()):
            assert time.monotonic() < until
            time.sleep(0.1)

    stall([f"first-{number}" for number in range(count)])
    settled = before._replace(memory=memory(server.pid))  # what Python keeps in its own hands serves the second crowd
    stall([f"second-{number}" for number in range(count)])
    assert_nothing_is_left(server, settled, memory=8 * MIB)
