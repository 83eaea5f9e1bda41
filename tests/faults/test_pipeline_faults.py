"""Requests that are cut anywhere or sent ahead: each answer is exact and in its order, and who leaves is missed."""

import json
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from faults.leftovers import assert_nothing_is_left, held
from processes import Serve, ServerProcess
from server.raw import Answer, answers, asking, connect, posting, read_answer, rest
from share import SHARE

PROGRAM = """
import asyncio

async def serve(prompt):
    if prompt == "tasks":
        yield str(len(asyncio.all_tasks()))
    elif prompt.startswith("hang"):
        print("open", prompt, flush=True)
        try:
            await asyncio.sleep(60)
        finally:
            print("closed", prompt, flush=True)
    else:
        for letter in prompt:
            await asyncio.sleep(0)
            yield letter
"""
CLOSE = "Connection: close"
QUIET = ("--no-access-log",)
WORD = "a\u00e9\U0001f600\u2028z"
"""Letters of every length: a cut may fall into one."""


@pytest.fixture(scope="module")
def server(serve_module: Serve) -> ServerProcess:
    return serve_module(PROGRAM, flags=QUIET)


def chunked(prompt: str, *headers: str, stream: bool = False, size: int = 7) -> bytes:
    """A request whose body comes in chunks, with trailers and what may stand behind a chunk's size."""
    body = json.dumps({"stream": stream, "messages": [{"role": "user", "content": prompt}]}, ensure_ascii=False)
    raw = body.encode()
    chunks = [raw[at : at + size] for at in range(0, len(raw), size)]
    framed = b"".join(b"%x;a=b\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return posting(framed + b"0\r\nX-Trailer: t\r\n\r\n", "Transfer-Encoding: chunked", *headers)


def said(answer: Answer) -> str:
    """What the program said, of a whole reply or of a stream, which has to be whole."""
    assert answer.status == 200, answer
    if answer.headers["content-type"] == "application/json":
        return answer.text
    assert answer.body.endswith(b"data: [DONE]\n\n")
    frames = [json.loads(frame) for frame in re.findall(rb"data: (\{.*\})\n\n", answer.body)]
    return "".join(frame["choices"][0]["delta"].get("content", "") for frame in frames)


def exact(raw: bytes) -> list[Answer]:
    """Answers without what is another each time: id and times. How many frames went in one write is no part of them."""
    found: list[Answer] = []
    for status, headers, body in answers(raw):
        same = {name: value for name, value in headers.items() if name not in ("date", "x-request-id")}
        found.append(Answer(status, same, re.sub(rb'"id":"[^"]+"|"created":\d+', b'"":0', body)))
    return found


def cut_at(server: ServerProcess, whole: bytes, at: int) -> bytes:
    """Send something in two segments, the second once the first has arrived, and give all that comes back."""
    with connect(server) as connection:
        connection.sendall(whole[:at])
        wait_until_read(connection)
        connection.sendall(whole[at:])
        return rest(connection)


def wait_until_read(connection: socket.socket) -> None:
    """Wait until a server has read all that was sent: nothing of it is in the system any more."""
    ours, theirs = connection.getsockname()[1], connection.getpeername()[1]
    until = time.monotonic() + 5
    while _unread(theirs, ours):
        assert time.monotonic() < until
        time.sleep(0.0005)


def _unread(local: int, remote: int) -> int:
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if (int(fields[1][-4:], 16), int(fields[2][-4:], 16)) == (local, remote):
            return int(fields[4].partition(":")[2], 16)
    return 0


# ---- cut


@pytest.fixture(params=[asking, chunked], ids=["length", "chunks"])
def both(request: pytest.FixtureRequest) -> list[bytes]:
    """Two requests that are sent at once: a whole reply and a stream, in either order."""
    make: Callable[..., bytes] = request.param
    return [make("one", stream=first) + make(WORD, CLOSE, stream=not first) for first in (False, True)]


def test_two_requests_at_once_may_be_cut_at_every_byte(server: ServerProcess, both: list[bytes]) -> None:
    before = held(server)
    for whole in both:
        uncut = exact(cut_at(server, whole, len(whole)))
        assert [said(answer) for answer in uncut] == ["one", WORD]
        for at in range(1, len(whole), round(1 / SHARE)):
            assert exact(cut_at(server, whole, at)) == uncut, whole[:at]
    assert_nothing_is_left(server, before, memory=8_000_000)


def test_two_requests_at_once_may_come_byte_by_byte(server: ServerProcess, both: list[bytes]) -> None:
    for whole in both:
        uncut = exact(cut_at(server, whole, len(whole)))
        with connect(server) as connection:
            for byte in whole:
                connection.sendall(bytes([byte]))
                time.sleep(0.0005)
            assert exact(rest(connection)) == uncut


def test_a_chunked_body_may_be_cut_into_chunks_of_any_size(server: ServerProcess) -> None:
    with connect(server) as connection:
        for size in range(1, 100):
            connection.sendall(chunked(WORD, size=size))
            assert read_answer(connection).text == WORD, size


# ---- sent ahead, and gone


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("when", ["at once", "later"])
@pytest.mark.parametrize("ahead", [b"", b"G", asking("hi")[:-1], asking("hi"), asking("hang ahead") * 8])
def test_who_sends_ahead_is_seen_to_leave(server: ServerProcess, stream: bool, when: str, ahead: bytes) -> None:
    before = held(server)
    name = f"hang {time.monotonic_ns()}"
    with connect(server) as connection:
        if when == "at once":
            connection.sendall(asking(name, stream=stream) + ahead)
        else:
            connection.sendall(asking(name, stream=stream))
        server.wait_for(f"open {name}\n")
        if when == "later":
            connection.sendall(ahead)
        wait_until_read(connection)
        assert f"closed {name}\n" not in server.output
    left = time.monotonic()
    server.wait_for(f"closed {name}\n")
    assert time.monotonic() - left < 1
    assert "open hang ahead" not in server.output
    assert_nothing_is_left(server, before, memory=8_000_000)


@pytest.mark.parametrize("ahead", [asking("hang ahead") * 9, asking("x" * 70_000)], ids=["many", "large"])
def test_who_sends_far_ahead_is_seen_to_leave_by_the_next_write(serve: Serve, ahead: bytes) -> None:
    server = serve(PROGRAM, flags=(*QUIET, "--grace-period", "0", "--ping-interval", "0.2"))
    before = held(server)
    with connect(server) as connection:
        connection.sendall(asking("hang", stream=True))
        server.wait_for("open hang\n")
        connection.sendall(ahead)
        time.sleep(0.3)  # what it reads of it, it has read
        assert "closed" not in server.output
    server.wait_for("closed hang\n", 3)
    assert "open hang ahead" not in server.output
    assert_nothing_is_left(server, before, memory=8_000_000)


def test_what_is_sent_far_ahead_waits_its_turn_and_is_answered(server: ServerProcess) -> None:
    words = [f"word{number}" for number in range(25)]
    with connect(server) as connection:
        connection.sendall(asking("slow " * 200, stream=True))
        for word in words:
            connection.sendall(asking(word))
        connection.sendall(asking("y" * 100_000) + asking("last", CLOSE))
        first, *others = answers(rest(connection))
    assert said(first) == "slow " * 200
    assert [answer.text for answer in others] == [*words, "y" * 100_000, "last"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_who_sent_a_large_body_is_seen_to_leave(server: ServerProcess, stream: bool) -> None:
    for _ in range(5):  # of such a body no more is read for a while, if it comes in one piece
        name = f"hang {time.monotonic_ns()}"
        body = json.dumps({"stream": stream, "messages": [{"role": "user", "content": name}]}).encode()
        whole = posting(body + b" " * 200_000, f"Content-Length: {len(body) + 200_000}")
        with connect(server) as connection:
            connection.sendall(whole[:-200_000])
            wait_until_read(connection)
            connection.sendall(whole[-200_000:])
            server.wait_for(f"open {name}\n")
        server.wait_for(f"closed {name}\n", 2)


def test_who_ends_its_own_direction_has_left(server: ServerProcess) -> None:
    with connect(server) as connection:
        connection.sendall(asking("hang half", stream=True))
        server.wait_for("open hang half\n")
        connection.shutdown(socket.SHUT_WR)
        assert rest(connection) == b""
    server.wait_for("closed hang half\n")
