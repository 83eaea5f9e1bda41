"""What HTTP itself allows: sizes, times, pieces, pipelines, and every refusal in the shape of our errors."""

import hashlib
import inspect
import os
import re
import socket
import ssl
import time
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import pytest
import trustme
from uvicorn.middleware import proxy_headers
from uvicorn.protocols.http import flow_control, httptools_impl

from processes import Serve, ServerProcess
from server.raw import Answer, answers, asking, connect, exchange, posting, read_answer, rest

PROGRAM = """
import asyncio
import time

async def serve(prompt, headers):
    kind, _, word = prompt.partition(" ")
    if kind == "stream":
        for number in range(4):
            yield f"{number} "
            await asyncio.sleep(0.1)
    elif kind == "block":
        time.sleep(float(word))
        yield "blocked"
    elif kind == "header":
        yield headers.get(word, "none")
    else:
        yield prompt
"""
MAX = 4096
SOON = 0.5
FLAGS = ("--max-header-size", str(MAX))
HASTY = ("--header-timeout", str(SOON), "--body-timeout", str(SOON), "--timeout-keep-alive", "1")
CLOSE = "Connection: close"
STREAM = "".join(f"{number} " for number in range(4))


@pytest.fixture(scope="module")
def server(serve_module: Serve) -> ServerProcess:
    return serve_module(PROGRAM, flags=FLAGS)


@pytest.fixture(scope="module")
def hasty(serve_module: Serve) -> ServerProcess:
    return serve_module(PROGRAM, flags=(*FLAGS, *HASTY))


def error(found: list[Answer], status: int, code: str) -> str:
    """The message of the one refusal that came, after which the connection was closed."""
    (answer,) = found
    assert (answer.status, answer.error["code"]) == (status, code)
    assert answer.headers["connection"] == "close"
    message: str = answer.error["message"]
    return message


def text_of(stream: Answer) -> str:
    assert stream.body.endswith(b"data: [DONE]\n\n")
    return "".join(re.findall(r'"delta":{"content":"([^"]*)"}', stream.body.decode()))


def test_the_inside_of_uvicorn_is_the_one_that_this_was_written_for() -> None:
    sources = "".join(map(inspect.getsource, (httptools_impl, flow_control, proxy_headers)))
    fits = {
        "httptools": version("httptools").rpartition(".")[0],
        "uvicorn's connection": hashlib.sha256(sources.encode()).hexdigest()[:16],
    }
    assert fits == {"httptools": "0.9", "uvicorn's connection": "044a85d0fe9a2ff0"}, (
        "uvicorn's httptools_impl, flow_control or proxy_headers, or httptools, has changed. Read what did, against "
        "server/http.py: Connection overrides the callbacks of loop, parser and answer, and makes the scope "
        "(server/scope.py) and the cycle; it reads and sets cycle, pipeline, flow, parser, headers, url, server_state, "
        "and of a cycle keep_alive, response_started, response_complete, disconnected, waiting_for_100_continue, body, "
        "scope, message_event and transport (of which an answer uses write, close and is_closing). Cycle, in "
        "server/cycle.py, writes the head of an answer. Forwarded, in server/forwarded.py, knows the headers that are "
        "read there. When all of that still holds, and the tests below and in test_cycle.py pass, write the new "
        "values here, and uvicorn's version into pyproject.toml."
    )


# ---- how large


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nX: " + b"a" * 20_000_000,
        b"GET / HTTP/1.1\r\n" + b"X: aaaaaaaaaaaaaaa\r\n" * 1_000_000,
        b"GET /" + b"a" * 20_000_000,
        b"GET / HTTP/1.1\r\n" + b"X" * 20_000_000,
        b"\r\n" * 10_000_000,
    ],
    ids=["one header", "many headers", "the path", "a name", "empty lines"],
)
def test_a_head_of_twenty_megabytes_is_refused_and_not_kept(server: ServerProcess, head: bytes) -> None:
    before = memory(server)
    assert (
        error(exchange(server, head), 431, "headers_too_large") == f"The request's headers are larger than {MAX} bytes."
    )
    assert memory(server) - before < 4_000_000


def memory(server: ServerProcess) -> int:
    pages = Path(f"/proc/{server.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("pieces", [1, 2, 50])
@pytest.mark.parametrize(("beyond", "status"), [(0, 404), (1, 431)])
def test_the_limit_is_exact(server: ServerProcess, beyond: int, status: int, pieces: int) -> None:
    fixed = len("/x") + len("Host: localhost\r\n") + len(f"{CLOSE}\r\n") + len("X: \r\n")
    head = f"GET /x HTTP/1.1\r\nHost: localhost\r\n{CLOSE}\r\nX: {'a' * (MAX - fixed + beyond)}\r\n\r\n".encode()
    size = -(-len(head) // pieces)
    cut = [head[at : at + size] for at in range(0, len(head), size)]
    assert [answer.status for answer in exchange(server, *cut, pause=0.002)] == [status]


def test_what_follows_a_body_is_limited_too_and_is_nobodys_header(server: ServerProcess) -> None:
    body = b'{"messages":[{"role":"user","content":"header x-late"}]}'
    chunked = posting(b"%x\r\n%b\r\n0\r\n" % (len(body), body), "Transfer-Encoding: chunked", CLOSE)
    for pieces in ([chunked, b"X-Late: 1\r\n", b"\r\n"], [chunked + b"X-Late: 1\r\n\r\n"]):
        (answer,) = exchange(server, *pieces, pause=0.05)
        assert answer.text == "none"
    for flood in (b"X: aaaaaaaaaaaaaaa\r\n" * 100_000, b"X: " + b"a" * 2_000_000):
        (found,) = exchange(server, posting(b"1\r\n{\r\n0\r\n", "Transfer-Encoding: chunked"), flood)
        assert (found.status, found.error["code"]) == (431, "headers_too_large")


def test_what_stands_between_the_pieces_of_a_body_is_limited_too(server: ServerProcess) -> None:
    found = exchange(server, posting(b"1\r\n{\r\n1;" + b"a" * 2_000_000, "Transfer-Encoding: chunked"))
    error(found, 431, "headers_too_large")


# ---- how slow


def test_half_a_head_ends_with_its_time_however_many_bytes_still_come(hasty: ServerProcess) -> None:
    started = time.monotonic()
    with connect(hasty) as connection:
        for byte in b"GET /v1/models HTTP":
            connection.sendall(bytes([byte]))
            time.sleep(0.02)
        message = error(answers(rest(connection)), 408, "request_timeout")
    assert message == "The request's head did not come within 0.5 seconds."
    assert SOON - 0.1 < time.monotonic() - started < 1.5


def test_who_says_nothing_is_hung_up_on_without_a_word(hasty: ServerProcess) -> None:
    started = time.monotonic()
    assert exchange(hasty) == []
    assert SOON - 0.1 < time.monotonic() - started < 1.5


def test_a_second_head_has_its_own_time(hasty: ServerProcess) -> None:
    with connect(hasty) as connection:
        for _ in range(3):
            connection.sendall(asking("hi"))
            assert read_answer(connection).text == "hi"
            time.sleep(SOON / 2)
        connection.sendall(b"G")
        started = time.monotonic()
        error(answers(rest(connection)), 408, "request_timeout")
    assert SOON - 0.1 < time.monotonic() - started < 1.5


@pytest.mark.parametrize("noise", [b"", b"\r\n"], ids=["silence", "empty lines"])
def test_a_connection_stays_open_between_requests_for_its_time(hasty: ServerProcess, noise: bytes) -> None:
    with connect(hasty) as connection:
        connection.sendall(asking("hi"))
        assert read_answer(connection).text == "hi"
        started = time.monotonic()
        connection.settimeout(0.1)
        while not ended(connection):
            connection.sendall(noise)
            assert time.monotonic() - started < 2
    assert time.monotonic() - started > 0.9


@pytest.mark.parametrize("kind", ["length", "chunks", "the framing of chunks"])
def test_a_body_that_stops_is_refused(hasty: ServerProcess, kind: str) -> None:
    whole = asking("hi")
    chunked = posting(b"5\r\n{    \r\n", "Transfer-Encoding: chunked")
    pieces = {"length": [whole[:-1]], "chunks": [chunked], "the framing of chunks": [chunked, *[b"0"] * 8]}[kind]
    started = time.monotonic()
    found = exchange(hasty, *pieces, pause=0.05)
    assert error(found, 408, "request_timeout") == "The request's body did not come within 0.5 seconds."
    assert SOON - 0.1 < time.monotonic() - started < 2


def test_a_body_may_be_slow(hasty: ServerProcess) -> None:
    head, body = asking("hi", CLOSE).split(b"\r\n\r\n")
    pieces = [body[at : at + 8] for at in range(0, len(body), 8)]
    (answer,) = exchange(hasty, head + b"\r\n\r\n", *pieces, pause=SOON / 4)
    assert answer.text == "hi"


def test_a_body_that_was_answered_already_does_not_hold_its_connection(hasty: ServerProcess) -> None:
    with connect(hasty) as connection:
        connection.sendall(posting(b"{", "Content-Length: 99999999"))
        assert read_answer(connection).status == 413
        started = time.monotonic()
        connection.settimeout(0.1)
        with suppress(ConnectionError):
            while not ended(connection):
                connection.sendall(b" ")
                assert time.monotonic() - started < 2
    assert time.monotonic() - started > SOON - 0.1


def ended(connection: socket.socket) -> bool:
    """Whether the server hung up, within a moment."""
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False


def test_a_body_that_was_answered_already_and_ends_leaves_the_connection_as_good_as_new(server: ServerProcess) -> None:
    with connect(server) as connection:
        body = b" " * 200_000
        connection.sendall(
            posting(body[:1000], f"Content-Length: {len(body)}").replace(b"application/json", b"text/plain")
        )
        assert read_answer(connection).status == 415
        connection.sendall(body[1000:])
        connection.sendall(asking("hi"))
        assert read_answer(connection).text == "hi"


# ---- in pieces, and many at once


def test_a_request_may_be_cut_anywhere(server: ServerProcess) -> None:
    whole = asking("hi")
    with connect(server) as connection:
        for at in range(1, len(whole)):
            connection.sendall(whole[:at])
            time.sleep(0.001)
            connection.sendall(whole[at:])
            assert read_answer(connection).text == "hi", at


def test_a_request_may_come_byte_by_byte(server: ServerProcess) -> None:
    body = b'{"messages":[{"role":"user","content":"hi"}]}'
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    for whole in (asking("hi", CLOSE), posting(chunks, "Transfer-Encoding: chunked", CLOSE)):
        (answer,) = exchange(server, *[bytes([byte]) for byte in whole], pause=0.0005)
        assert answer.text == "hi"


def test_requests_may_be_sent_ahead_and_are_answered_in_their_order(server: ServerProcess) -> None:
    words = [f"word{number}" for number in range(20)]
    whole = b"".join(asking(word) for word in words[:-1]) + asking(words[-1], CLOSE)
    for pieces in ([whole], [whole[at : at + 37] for at in range(0, len(whole), 37)]):
        assert [answer.text for answer in exchange(server, *pieces)] == words


def test_a_stream_is_whole_before_what_was_asked_after_it(server: ServerProcess) -> None:
    first, second = exchange(server, asking("stream", stream=True) + asking("hi", CLOSE))
    assert text_of(first) == STREAM
    assert second.text == "hi"


def test_too_many_requests_at_once_are_refused_after_those_that_are_not(server: ServerProcess) -> None:
    *answered, refused = exchange(server, asking("hi") * 1000)
    assert [answer.text for answer in answered] == ["hi"] * 33
    assert (refused.status, refused.error["code"]) == (400, "invalid_http")
    assert refused.error["message"] == "More than 32 requests were sent ahead of their answers."


# ---- no HTTP


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"hello\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: b\x00c\r\n\r\n",
        b"GET / HTTP/1.1\r\n A: b\r\n\r\n",
        b"GET \xff/ HTTP/1.1\r\n\r\n",
        b"CONNECT a.example:80 HTTP/1.1\r\n\r\n",
        b"CONNECT /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"CONNECT /v1/models HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}",
        b"CONNECT a://b HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_what_is_no_http_is_told_so_in_our_shape(server: ServerProcess, raw: bytes) -> None:
    assert error(exchange(server, raw), 400, "invalid_http") == "This is no HTTP/1.1 request."


def test_a_body_that_is_no_chunk_is_told_so(server: ServerProcess) -> None:
    error(exchange(server, posting(b"z\r\n", "Transfer-Encoding: chunked")), 400, "invalid_http")


@pytest.mark.parametrize(
    "wrong", [b"garbage\r\n\r\n", posting(b"z\r\n", "Transfer-Encoding: chunked"), asking("x")[:-1]]
)
def test_what_is_wrong_later_spoils_no_answer_before(hasty: ServerProcess, wrong: bytes) -> None:
    first, second, refused = exchange(hasty, asking("stream", stream=True) + asking("hi") + wrong)
    assert text_of(first) == STREAM
    assert second.text == "hi"
    assert refused.status in (400, 408)
    assert refused.error["code"] in ("invalid_http", "request_timeout")


def test_a_body_that_goes_wrong_after_its_answer_just_ends(server: ServerProcess) -> None:
    head = posting(b"1\r\n{\r\n", "Transfer-Encoding: chunked").replace(b"application/json", b"text/plain")
    (answer,) = exchange(server, head, b"z\r\n", pause=0.2)
    assert answer.status == 415


def test_who_still_sends_can_read_why_it_was_refused(server: ServerProcess) -> None:
    (answer,) = exchange(server, posting(b"", "Content-Length: 99999999", CLOSE), *[b" " * 1_000_000] * 5)
    assert answer.status == 413
    assert answer.headers["connection"] == "close"


def test_who_never_stops_sending_is_cut_off(server: ServerProcess) -> None:
    started = time.monotonic()
    with connect(server) as connection:
        connection.sendall(b"garbage\r\n\r\n")
        with suppress(ConnectionError):
            while time.monotonic() - started < 5:
                connection.sendall(b"more")
                time.sleep(0.02)
    assert 1.8 < time.monotonic() - started < 4


# ---- upgrades


@pytest.mark.parametrize("pieces", [1, 400])
@pytest.mark.parametrize("to", ["h2c", "websocket"])
def test_an_upgrade_is_declined_by_answering(server: ServerProcess, to: str, pieces: int) -> None:
    headers = ("Connection: Upgrade, HTTP2-Settings", f"Upgrade: {to}", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA")
    whole = asking("hi", *headers) + asking("there", CLOSE)
    size = -(-len(whole) // pieces)
    cut = [whole[at : at + size] for at in range(0, len(whole), size)]
    assert [answer.text for answer in exchange(server, *cut, pause=0 if pieces == 1 else 0.0005)] == ["hi", "there"]


def test_upgrades_that_are_sent_ahead_are_all_declined(server: ServerProcess) -> None:
    upgrade = ("Connection: Upgrade", "Upgrade: h2c")
    whole = b"".join(asking(f"hi {number}", *upgrade) for number in range(20))
    told = [answer.text for answer in exchange(server, whole, asking("there", CLOSE))]
    assert told == [*(f"hi {number}" for number in range(20)), "there"]


def test_who_is_asked_as_a_proxy_is_and_for_no_path_answers_for_the_root(server: ServerProcess) -> None:
    (answer,) = exchange(server, b"GET http://localhost HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert (answer.status, answer.body.startswith(b"<!doctype html>")) == (200, True)


def test_nothing_is_said_to_who_waits_to_send_a_body_once_it_was_refused(server: ServerProcess) -> None:
    headers = ("Expect: 100-continue", "Transfer-Encoding: chunked")
    error(exchange(server, posting(b"z\r\n", *headers)), 400, "invalid_http")
    assert "Traceback" not in server.output


def test_a_body_after_an_upgrade_may_be_wrong(server: ServerProcess) -> None:
    headers = ("Connection: Upgrade", "Upgrade: h2c", "Transfer-Encoding: chunked")
    error(exchange(server, posting(b"z\r\n", *headers)), 400, "invalid_http")


# ---- connections


def test_one_connection_too_many_is_told_to_come_again(serve: Serve) -> None:
    server = serve(PROGRAM, flags=("--limit-connections", "3", "--log-level", "error"))
    connections = [connect(server) for _ in range(3)]
    for connection in connections:
        connection.sendall(asking("hi"))
        assert read_answer(connection).text == "hi"
    with connect(server) as fourth:
        (refused,) = answers(rest(fourth))
        assert (refused.status, refused.error["code"]) == (503, "too_many_connections")
        assert refused.headers["retry-after"] == "1"
        assert "3 connections" in refused.error["message"]
    connections.pop().close()
    time.sleep(0.1)
    (answer,) = exchange(server, asking("hi", CLOSE))
    assert answer.text == "hi"
    for connection in connections:
        connection.close()


def test_connections_notice_a_peer_that_is_gone_without_a_word(server: ServerProcess) -> None:
    with connect(server) as connection:
        connection.sendall(asking("hi"))
        read_answer(connection)
        ours, theirs = connection.getsockname()[1], connection.getpeername()[1]
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        (timer,) = [line[5] for line in lines if (_port(line[1]), _port(line[2])) == (theirs, ours)]
    kind, when = timer.split(":")
    assert kind == "02"  # keepalive
    assert int(when, 16) / os.sysconf("SC_CLK_TCK") <= 60


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)


def test_a_thousand_connections_of_every_kind_leave_no_file_open(server: ServerProcess) -> None:
    kinds = [b"", b"G", asking("hi"), asking("hi")[:-1], b"garbage\r\n\r\n", asking("stream", stream=True)]
    before = len(os.listdir(f"/proc/{server.pid}/fd"))  # noqa: PTH208
    for number in range(1000):
        with connect(server) as connection:
            connection.sendall(kinds[number % len(kinds)])
    until = time.monotonic() + 5
    while len(os.listdir(f"/proc/{server.pid}/fd")) > before:  # noqa: PTH208
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_refusal_can_be_read_through_tls(serve: Serve, tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    server = serve(PROGRAM, flags=(*FLAGS, *HASTY, "--ssl-certfile", str(tmp_path / "server.pem")))
    context = ssl.create_default_context()
    authority.configure_trust(context)
    for raw, status in ((b"garbage\r\n\r\n", 400), (asking("hi")[:-1], 408), (b"GET /" + b"a" * 100_000, 431)):
        with context.wrap_socket(connect(server), server_hostname="localhost") as connection:
            connection.sendall(raw)
            assert read_answer(connection).status == status
