"""The end of a server that has clients of every kind, by a signal that it hears and by one that it does not."""

import json
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from processes import Serve, ServerProcess
from server.ending import free_port
from server.raw import answers, connect, posting, rest

PROGRAM = """
import asyncio
import contextlib
import time
from pathlib import Path

LOG = Path({log!r})

def note(word):
    with LOG.open("a") as log:
        log.write(word + "\\n")

@contextlib.asynccontextmanager
async def lifespan():
    note("opened")
    yield
    note("left")

async def stream(prompt):
    kind, _, name = prompt.partition(" ")
    try:
        yield "first "
        note(f"begun {{name}}")
        await asyncio.sleep(1 if kind == "brief" else 60)
        yield "last"
    finally:
        note(f"closed {{name}}")

async def whole(prompt):
    try:
        note(f"begun {{prompt}}")
        await asyncio.sleep(60)
    finally:
        note(f"closed {{prompt}}")

def sync(prompt):
    try:
        yield "first "
        note(f"begun {{prompt}}")
        while True:
            time.sleep(0.05)
            yield ""
    finally:
        note(f"closed {{prompt}}")

async def flood(prompt):
    try:
        note(f"begun {{prompt}}")
        while True:
            yield "x" * 10_000
            await asyncio.sleep(0)
    finally:
        note(f"closed {{prompt}}")
"""
PROGRAMS = ("stream", "whole", "sync", "flood")
LIMIT = 20.0
SHUTDOWN = 3
CANCELLED = re.compile(rb'data: \{"error":\{[^\n]*"code":"cancelled"[^\n]*\n\ndata: \[DONE\]\n\n$')
FINISHED = re.compile(rb'"finish_reason":"stop"\}\]\}\n\ndata: \[DONE\]\n\n$')


class Notes:
    """What the programs wrote, line by line."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "notes"
        self._program = folder / "program.py"
        self._program.write_text(PROGRAM.format(log=str(self.file)))

    @property
    def sources(self) -> list[Path]:
        return [Path(f"{self._program}:{name}") for name in PROGRAMS]

    @property
    def lines(self) -> list[str]:
        return self.file.read_text().splitlines()

    def wait_for(self, word: str, count: int) -> None:
        until = time.monotonic() + LIMIT
        while sum(line.startswith(word) for line in self.lines) < count:
            assert time.monotonic() < until
            time.sleep(0.02)


@pytest.fixture
def notes(tmp_path: Path) -> Notes:
    return Notes(tmp_path)


def asking(model: str, prompt: str) -> bytes:
    body = {"model": model, "stream": model != "whole", "messages": [{"role": "user", "content": prompt}]}
    raw = json.dumps(body).encode()
    return posting(raw, f"Content-Length: {len(raw)}")


def test_each_of_two_hundred_hears_how_it_ended_and_each_program_is_closed_before_what_it_shares(
    serve: Serve, notes: Notes
) -> None:
    server = serve(*notes.sources, flags=("--shutdown-timeout", str(SHUTDOWN), "--no-access-log"))
    kinds = ["stream long", "stream brief", "whole", "sync"] * 50
    asked = [f"{kind} {number}" for number, kind in enumerate(kinds)]
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(server, LIMIT)) for _ in asked]
        for client, prompt in zip(clients, asked, strict=True):
            if "brief" not in prompt:
                client.sendall(asking(prompt.split()[0], prompt.partition(" ")[2]))
        notes.wait_for("begun", 150)
        for client, prompt in zip(clients, asked, strict=True):
            if "brief" in prompt:
                client.sendall(asking("stream", prompt.partition(" ")[2]))
        notes.wait_for("begun", 200)
        started = time.monotonic()
        os.kill(server.pid, signal.SIGTERM)
        with ThreadPoolExecutor(20) as pool:
            told = [answers(raw) for raw in pool.map(rest, clients)]
        assert server.stop() == 0
        assert SHUTDOWN - 0.2 < time.monotonic() - started < SHUTDOWN + 3
    for prompt, (answer,) in zip(asked, told, strict=True):
        if prompt.startswith("whole"):
            assert (answer.status, answer.error["code"]) == (503, "cancelled"), prompt
        else:
            assert answer.status == 200
            assert (FINISHED if "brief" in prompt else CANCELLED).search(answer.body), (prompt, answer.body[-300:])
            assert answer.body.count(b"[DONE]") == 1
    lines = notes.lines
    names = {prompt.split()[-1] for prompt in asked}
    assert {line.split()[-1] for line in lines if line.startswith("closed")} == names
    assert sum(line.startswith("closed") for line in lines) == 200
    assert (lines.count("left"), lines[-1]) == (1, "left")
    assert "Traceback" not in server.output


def test_readers_that_stall_hold_up_no_end(serve: Serve, notes: Notes) -> None:
    server = serve(*notes.sources, flags=("--shutdown-timeout", "1", "--no-access-log"))
    with ExitStack() as stack:
        for number in range(20):
            stalled = stack.enter_context(socket.socket())
            stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stalled.connect(address_of(server))
            stalled.sendall(asking("flood", str(number)))
        reading = stack.enter_context(connect(server))
        reading.sendall(asking("stream", "long reading"))
        notes.wait_for("begun", 21)
        started = time.monotonic()
        os.kill(server.pid, signal.SIGTERM)
        (answer,) = answers(rest(reading))
        assert CANCELLED.search(answer.body)
        assert server.stop() == 0
        assert time.monotonic() - started < 6
    assert sum(line.startswith("closed") for line in notes.lines) == 21
    assert notes.lines[-1] == "left"


def address_of(server: ServerProcess) -> tuple[str, int]:
    host, port = server.base_url.split("/")[2].split(":")
    return host, int(port)


# ---- killed


class Place:
    """Where a server listens, again and again: a port or a UNIX socket."""

    def __init__(self, flags: list[str], url: str, address: tuple[str, int] | str) -> None:
        self.flags, self.url, self._address = flags, url, address

    def connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX if isinstance(self._address, str) else socket.AF_INET)
        connection.settimeout(LIMIT)
        connection.connect(self._address)
        return connection

    def client(self) -> httpx.Client:
        uds = self._address if isinstance(self._address, str) else None
        return httpx.Client(transport=httpx.HTTPTransport(uds=uds), base_url=self.url, timeout=LIMIT)


@pytest.fixture(params=["port", "uds"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "uds":
        path = str(tmp_path / "socket")
        return Place(["--uds", path], "http://localhost/v1", path)
    port = free_port()
    return Place(["--port", str(port)], f"http://127.0.0.1:{port}/v1", ("127.0.0.1", port))


@pytest.fixture
def start(notes: Notes, place: Place) -> Iterator[Callable[[], ServerProcess]]:
    started: list[ServerProcess] = []

    def begin() -> ServerProcess:
        server = ServerProcess(*map(str, notes.sources), *place.flags)
        started.append(server)
        server.wait_until_ready()
        return server

    yield begin
    for server in started:
        server.stop()


def test_after_a_kill_a_new_server_takes_the_place_at_once(
    start: Callable[[], ServerProcess], place: Place, notes: Notes
) -> None:
    body = {"model": "stream", "messages": [{"role": "user", "content": "brief x"}]}
    server = start()
    with ExitStack() as stack, place.client() as keeping:
        assert keeping.post("/chat/completions", json=body).status_code == 200
        clients = [stack.enter_context(place.connect()) for _ in range(40)]
        streams, halves, waiting = clients[:20], clients[20:30], clients[30:]
        for number, client in enumerate(streams):
            client.sendall(asking("stream", f"long {number}"))
        for client in halves:
            client.sendall(asking("stream", "half")[:-5])
        for number, client in enumerate(waiting):
            client.sendall(asking("whole", str(number)))
        notes.wait_for("begun", 31)
        first = [client.recv(10) for client in streams]
        assert first == [b"HTTP/1.1 2"] * 20
        killed = time.monotonic()
        assert server.stop(signal.SIGKILL) == -signal.SIGKILL
        said = [ended(client) for client in clients]
        assert time.monotonic() - killed < 5
        assert all(b"first " in text and b"[DONE]" not in text for text in said[:20])
        assert said[20:] == [b""] * 20
        # The clients of before still hold their ends: the system knows the port as in use.
        start()
        began = time.monotonic()
        assert keeping.post("/chat/completions", json=body).json()["choices"][0]["message"]["content"] == "first last"
        with place.connect() as fresh:
            fresh.sendall(asking("nobody", "x"))
            assert fresh.recv(65536).startswith(b"HTTP/1.1 404")
        assert time.monotonic() - began < 5


def ended(connection: socket.socket) -> bytes:
    """What still came before a connection broke: in whatever way, but in time."""
    said = b""
    try:
        while piece := connection.recv(65536):
            said += piece
    except ConnectionError:
        pass
    return said
