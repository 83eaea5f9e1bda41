"""Clients that are slow on purpose, or gone without a word: each is told and hung up on, and no other waits for it."""

import os
import resource
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

import pytest

from faults.leftovers import assert_nothing_is_left, held
from processes import Serve, ServerProcess
from server.raw import answers, asking, connect, posting, read_answer
from share import share

PROGRAM = """
import asyncio

async def serve(prompt):
    if prompt == "tasks":
        yield str(len(asyncio.all_tasks()))
    elif prompt == "hang":
        print("open", flush=True)
        try:
            for _ in range(600):
                await asyncio.sleep(0.1)
                yield "."
        finally:
            print("closed", flush=True)
    else:
        yield prompt
"""
HASTY = ("--header-timeout", "1", "--body-timeout", "0.2", "--timeout-keep-alive", "1", "--no-access-log")
LIMIT = 20.0
"""Seconds for what the server ends after 1 s, or a body after 4 s in all: a busy machine needs some."""
PAUSE = 0.1


class Slow(NamedTuple):
    """A client that sends something, then the same drop again and again; and the answers that it gets."""

    first: bytes
    drop: bytes
    statuses: list[int]


_HEAD = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n"
_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
KINDS = {
    "silence": Slow(b"", b"", []),
    "half a head": Slow(_HEAD, b"", [408]),
    "a head in drops": Slow(_HEAD + b"X: ", b"x", [408]),
    "a head in headers": Slow(_HEAD, b"X: x\r\n", [408]),
    "half a body": Slow(asking("hi")[:-1], b"", [408]),
    "a body in drops": Slow(posting(b"", "Content-Length: 9999"), b" ", [408]),
    "a body in chunks": Slow(posting(b"", "Transfer-Encoding: chunked"), b"1\r\n \r\n", [408]),
    "a second head": Slow(asking("hi") + _HEAD + b"X: ", b"x", [200, 408]),
    "a second body": Slow(asking("hi") + asking("hi")[:-1], b"", [200, 408]),
    "idle": Slow(asking("hi"), b"", [200]),
}
NO_TLS = {"no handshake": Slow(b"", b"", []), "a handshake in drops": Slow(_HELLO, b"\x00", [])}


class Client:
    """Connects as this test's server wants it."""

    def __init__(self, server: ServerProcess, trusted: ssl.SSLContext | None) -> None:
        self._server = server
        self.trusted = trusted

    def connect(self) -> socket.socket:
        connection = connect(self._server)
        return connection if self.trusted is None else self.trusted.wrap_socket(connection, server_hostname="127.0.0.1")

    def ask(self) -> float:
        """Ask as an honest client does, and give the seconds that it took."""
        started = time.monotonic()
        with self.connect() as connection:
            connection.sendall(asking("hi"))
            assert read_answer(connection).text == "hi"
        return time.monotonic() - started


@pytest.fixture
def server(serve: Serve, trusted: ssl.SSLContext | None, tmp_path: Path) -> ServerProcess:
    tls = () if trusted is None else ("--ssl-certfile", str(tmp_path / "server.pem"))
    return serve(PROGRAM, flags=(*HASTY, *tls))


def drip(how: Callable[[], socket.socket], slow: Slow) -> bytes:
    """Connect, be slow until the server hangs up, and give what it said."""
    told, until = b"", time.monotonic() + LIMIT
    with how() as connection, suppress(ConnectionError, ssl.SSLError):
        connection.sendall(slow.first)
        connection.settimeout(PAUSE)
        while True:
            try:
                piece = connection.recv(65536)
            except TimeoutError:
                assert time.monotonic() < until, f"{slow} still has its connection"
                connection.sendall(slow.drop)
            else:
                if not piece:
                    break
                told += piece
    return told


@contextmanager
def others(client: Client) -> Iterator[list[float]]:
    """Ask honestly all the while, and give how long each answer took."""
    took: list[float] = []
    done = threading.Event()

    def ask() -> None:
        while not done.wait(0.02):
            took.append(client.ask())

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask)
        try:
            yield took
        finally:
            done.set()
            asking.result()


def test_slow_clients_of_every_kind_are_hung_up_on_and_hold_up_nobody(
    server: ServerProcess, trusted: ssl.SSLContext | None
) -> None:
    client = Client(server, trusted)
    alone = median(client.ask() for _ in range(20))
    before = held(server)
    slow = [(client.connect, kind) for kind in KINDS.values()]
    if trusted is not None:
        slow += [(partial(connect, server), kind) for kind in NO_TLS.values()]
    with others(client) as took, ThreadPoolExecutor(len(slow) * share(30)) as pool:
        dripping = [(kind, pool.submit(drip, how, kind)) for how, kind in slow * share(30)]
        for kind, told in dripping:
            assert [answer.status for answer in answers(told.result())] == kind.statuses, kind
    assert len(took) > 20
    assert median(took) < 10 * alone + 0.05
    assert_nothing_is_left(server, before, memory=16_000_000)
    assert "Traceback" not in server.output


FROZEN = """
import socket, ssl, sys, time
host, port, authority = sys.argv[1:]
kept = []
for sent in (b"", b"GET / HT", {idle!r}, {half!r}, {stream!r}) * {count}:
    connection = socket.create_connection((host, int(port)))
    if authority:
        connection = ssl.create_default_context(cafile=authority).wrap_socket(connection, server_hostname=host)
    connection.sendall(sent)
    kept.append(connection)
print("connected", flush=True)
time.sleep(60)
"""


def test_a_client_that_stands_still_costs_what_it_asked_for_and_no_more(
    server: ServerProcess, trusted: ssl.SSLContext | None, tmp_path: Path
) -> None:
    """A frozen process, as a machine that is gone: its system answers, but nobody reads, writes or closes."""
    client, count = Client(server, trusted), share(20)
    before = held(server)
    host, port = server.base_url.split("/")[2].split(":")
    parts = {"idle": asking("hi"), "half": asking("hi")[:-1], "stream": asking("hang", stream=True)}
    script = FROZEN.format(count=count, **parts)
    authority = "" if trusted is None else str(tmp_path / "authority.pem")
    with subprocess.Popen([sys.executable, "-c", script, host, port, authority], stdout=subprocess.PIPE) as frozen:
        try:
            assert frozen.stdout is not None
            assert frozen.stdout.readline() == b"connected\n"
            server.wait_for(f"(open\n){{{count}}}")
            os.kill(frozen.pid, signal.SIGSTOP)
            until = time.monotonic() + LIMIT
            while (now := held(server)).files > before.files + count:
                assert time.monotonic() < until, now
                time.sleep(0.1)
            assert now.active == count
            assert "closed" not in server.output
            assert client.ask() < 5
        finally:
            frozen.kill()
    server.wait_for(f"(closed\n){{{count}}}")
    assert_nothing_is_left(server, before, memory=16_000_000)


def test_more_clients_than_there_may_be_files_keep_out_others_only_for_their_time(serve: Serve) -> None:
    """The system itself refuses: the server has to survive it, and to go on by itself."""
    server = serve(PROGRAM, flags=(*HASTY, "--log-level", "error"))
    before = held(server)
    with connect(server) as stream:
        stream.sendall(asking("hang", stream=True))
        server.wait_for("open")
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (before.files + 20, before.files + 20))
        crowd = [connect(server) for _ in range(60)]
        client, until = Client(server, None), time.monotonic() + LIMIT
        while True:
            with suppress(OSError, AssertionError):
                client.ask()
                break
            assert time.monotonic() < until
        stream.settimeout(2)
        assert stream.recv(65536)
    for connection in crowd:
        connection.close()
    server.wait_for("closed")
    assert_nothing_is_left(server, before, memory=16_000_000)
    assert len(server.output) < 10_000
