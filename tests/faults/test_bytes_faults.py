"""Bytes of no good will, by the thousand: no hang, no traceback, no answer that is the server's fault, nothing left."""

import random
import re
import socket
import ssl
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
import trustme

from faults.leftovers import assert_nothing_is_left, held
from processes import Serve, ServerProcess
from server.raw import asking, connect, posting
from share import share

PROGRAM = """
import asyncio

async def serve(prompt):
    if prompt == "tasks":
        yield str(len(asyncio.all_tasks()))
        return
    for word in ("some ", "more ", "words"):
        yield word
        await asyncio.sleep(0.05 if prompt == "slow" else 0)
"""
FLAGS = (
    *("--header-timeout", "0.5", "--body-timeout", "0.2", "--timeout-keep-alive", "1"),
    *("--max-header-size", "2048", "--max-body", "5000", "--log-level", "warning"),
)
LIMIT = 20.0
"""Seconds for a connection that the server ends after 1 s, or 4 s where a body comes in drops."""

_CHUNKED = "Transfer-Encoding: chunked"
WHOLE = [
    asking("hi"),
    asking("slow", stream=True),
    asking("slow", "Connection: close"),
    asking("hi", "Expect: 100-continue"),
    asking("hi", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"),
    posting(b"2\r\n{}\r\n0\r\n\r\n", _CHUNKED),
    posting(b"2;a=b\r\n{}\r\n0\r\nX-Trailer: t\r\n\r\n", _CHUNKED, "Expect: 100-continue"),
    posting(b"{}", "Content-Length: 2", "Content-Length: 2"),
    posting(b"x" * 6000, "Content-Length: 6000"),
    b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /health HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n",
    b"HEAD /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET http://localhost/v1/models?a=b#c HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
]
PARTS = [
    b"\r\n", b"\n", b"\r", b"\0", b" ", b":", b"\xff\xfe", b"%", b"%zz", b"\xc3", b"/", b"//", b"..", b"?", b"#", b"0",
    b"-1", b"ffffffffffffffff", b"18446744073709551616", b"HTTP/1.1", b"HTTP/2", b"0\r\n\r\n", b"a" * 3000, b"GET ",
    b"Content-Length: 0\r\n", b"Content-Length: 99\r\n", b"Transfer-Encoding: gzip, chunked\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"Connection: upgrade\r\nUpgrade: websocket\r\n",
    b"Expect: 100-continue\r\n", b"X-Request-Id: a\r\n", b"Host: a\r\nHost: b\r\n", b" folded\r\n",
]  # fmt: skip


def case(chance: random.Random) -> list[bytes]:
    """Make up what one connection sends, in pieces: requests, one behind the other, most of them not quite."""
    raw = bytearray(b"".join(chance.choices(WHOLE, k=chance.randint(1, 4))))
    for _ in range(chance.choice([0, 0, 1, 1, 2, 5])):
        at, size = chance.randrange(len(raw)), chance.randrange(1, 40)
        match chance.randrange(4):
            case 0:
                raw[at : at + size] = b""
            case 1:
                raw[at:at] = chance.choice(PARTS)
            case 2:
                raw[at:at] = raw[at : at + size]
            case _:
                raw[at] = chance.randrange(256)
        raw = raw or bytearray(b" ")
    if chance.random() < 0.2:
        del raw[chance.randrange(len(raw)) :]
    cuts = sorted({0, len(raw), *(chance.randrange(len(raw) + 1) for _ in range(chance.choice([0, 0, 1, 3, 30])))})
    return [bytes(raw[start:end]) for start, end in pairwise(cuts)]


def send(connection: socket.socket, pieces: list[bytes], end: str, pause: float) -> bytes:
    """Send them, end the connection in one of four ways, and give what was heard, if that was waited for."""
    said = b""
    with connection, suppress(ConnectionError, ssl.SSLError):
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(pause)
        if end == "half":
            with suppress(OSError):  # the server was faster
                socket.socket.shutdown(connection, socket.SHUT_WR)  # of TCP, below what TLS would say
        elif end == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if end in ("wait", "half"):
            connection.settimeout(LIMIT)
            while heard := connection.recv(65536):
                said += heard
    return said


def attack(server: ServerProcess, trusted: ssl.SSLContext | None, seed: str) -> None:
    chance = random.Random(seed)  # the same cases each time
    pieces, end = case(chance), chance.choice(["wait", "wait", "half", "reset", "leave"])
    connection = connect(server, LIMIT)
    if trusted is not None:
        connection = trusted.wrap_socket(connection, server_hostname="127.0.0.1")
    try:
        said = send(connection, pieces, end, chance.choice([0.0, 0.0, 0.002]))
    except TimeoutError:
        raise AssertionError(f"{seed}: no end after {LIMIT} s of {pieces}") from None
    assert not said or said.startswith(b"HTTP/1.1 "), (seed, pieces, said)
    assert not re.search(rb"^HTTP/1\.1 5", said, re.MULTILINE), (seed, pieces, said)
    assert b"Traceback" not in said


@pytest.mark.parametrize("kind", ["plain", "tls"])
def test_whatever_comes_the_server_ends_it_and_goes_on(
    serve: Serve, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags: tuple[str, ...] = FLAGS
    trusted = None
    if kind == "tls":
        authority = trustme.CA()
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
        authority.cert_pem.write_to_path(tmp_path / "authority.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        flags = (*FLAGS, "--ssl-certfile", str(tmp_path / "server.pem"))
        trusted = ssl.create_default_context()
    server, count = serve(PROGRAM, flags=flags), share(3000 if kind == "plain" else 600)
    attack_all(server, trusted, [f"warm {number}" for number in range(100)])
    before = held(server)
    attack_all(server, trusted, [f"{kind} {number}" for number in range(count)])
    assert_nothing_is_left(server, before, memory=8_000_000)
    assert not re.search("Traceback|ERROR|Exception", server.output), server.output[-3000:]


def attack_all(server: ServerProcess, trusted: ssl.SSLContext | None, seeds: list[str]) -> None:
    with ThreadPoolExecutor(32) as pool:
        for _ in pool.map(lambda seed: attack(server, trusted, seed), seeds):
            pass
