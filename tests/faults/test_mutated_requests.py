"""Two thousand requests that are nearly right: each is told so, at once, in OpenAI's shape, and nobody else waits."""

import json
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings

import mserve
from faults.mutations import corpus, mutated
from processes import Serve, ServerProcess
from server.raw import Answer, answers, connect
from share import share

PLAIN = """
from mserve import served

@served(check_output=False)
def serve(prompt, request, logprobs, modalities, **rest):
    return f"{prompt} {request.extra} {rest}"[:100]
"""
SHAPED = """
from mserve import served

@served(check_output=False)
async def serve(input, model_options, format, requirements, client_options):
    yield f"{input} {model_options} {format} {requirements} {client_options}"[:100]
"""
FLAGS = ("--name", "plain", "--name", "shaped", "--body-timeout", "1", "--no-access-log")
LIMIT = 8.0
"""Seconds for each: a schema of a stranger's gets five to be read."""
HONEST_LIMIT = 1.5
"""Seconds for an honest request, whatever else is asked meanwhile."""
CORPUS = [*corpus()]
LEAKS = re.compile(
    "|".join([
        r"Traceback|site-packages|\w+(?:Error|Exception)\b|line \d+, in|object at 0x|msgspec|<class",
        *map(re.escape, (str(Path(mserve.__file__).parent), sys.prefix, "/tmp/", "program_0_")),
    ])
)  # fmt: skip
"""What would tell a stranger of the machine, or of what went wrong in it."""


@pytest.fixture(scope="module")
def server(serve_module: Serve) -> ServerProcess:
    return serve_module(PLAIN, SHAPED, flags=FLAGS)


@contextmanager
def honest(server: ServerProcess) -> Iterator[None]:
    """Ask all the time as everybody does: no answer may be late."""
    done = threading.Event()
    times: list[float] = []

    def ask() -> None:
        body = {"model": "plain", "messages": [{"role": "user", "content": "hi"}]}
        with httpx.Client(base_url=server.base_url, timeout=60) as client:
            while not done.wait(0.02):
                started = time.monotonic()
                assert client.post("/chat/completions", json=body).is_success
                times.append(time.monotonic() - started)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
        assert thread.is_alive()
    finally:
        done.set()
        thread.join()
    assert len(times) > 5
    assert max(times) < HONEST_LIMIT


@pytest.mark.timeout(300)
def test_what_was_written_by_hand_is_refused_or_answered(server: ServerProcess) -> None:
    with honest(server):
        for raw in CORPUS:
            check(server, raw)
    assert_untroubled(server)


@pytest.mark.timeout(300)
def test_what_was_made_up_is_refused_or_answered(server: ServerProcess) -> None:
    @settings(max_examples=share(2000 - len(CORPUS)), suppress_health_check=[*HealthCheck])
    @given(mutated())
    def ask(raw: bytes) -> None:
        check(server, raw)

    with honest(server):
        ask()
    assert_untroubled(server)


def check(server: ServerProcess, raw: bytes) -> None:
    """Ask, and look at all that comes back."""
    started = time.monotonic()
    told = talk(server, raw)
    assert time.monotonic() - started < LIMIT
    assert LEAKS.search(told.decode("latin-1")) is None, (raw[:2000], told)
    heads = re.findall(rb"(?s)HTTP/1\.1 (\d{3}) .*?\r\n\r\n", told)
    assert heads, raw[:500]
    assert max(heads) < b"500", (raw[:2000], told)
    assert b"\r\nx-injected" not in told.lower()
    if heads != [b"204"] and not raw.startswith(b"HEAD"):  # which have no body
        for answer in answers(told):
            check_shape(answer)


def check_shape(answer: Answer) -> None:
    if answer.status >= 400:
        error = json.loads(answer.body)["error"]
        assert [*error] == ["message", "type", "param", "code"]
        assert error["type"] in ("invalid_request_error", "permission_error")
        assert error["message"]
        assert len(answer.body) < 20_000


def talk(server: ServerProcess, raw: bytes) -> bytes:
    """Send all, though the server may have heard enough, and read until it closes."""
    with connect(server, LIMIT) as connection:
        sending = threading.Thread(target=send, args=(connection, raw))
        sending.start()
        told = b"".join(iter(lambda: connection.recv(65536), b""))
        connection.shutdown(socket.SHUT_RDWR)
        sending.join()
    return told


def send(connection: socket.socket, raw: bytes) -> None:
    with suppress(OSError):  # it heard enough
        connection.sendall(raw)


def assert_untroubled(server: ServerProcess) -> None:
    troubles = re.findall(r".*(?:Traceback|failed|Exception|ERROR).*", server.output)
    assert troubles == []
