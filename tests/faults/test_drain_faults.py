"""The end of a server that has much to do, or whose programs do not listen."""

import os
import re
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from processes import Serve, ServerProcess
from server.ending import LIMIT, PROGRAM, free_port, started_slowly
from server.raw import answers, asking, connect, rest


def test_two_hundred_streams_end_with_a_word_and_in_time(serve: Serve) -> None:
    server = serve(PROGRAM, flags=("--shutdown-timeout", "1", "--no-access-log"))
    streams = [connect(server) for _ in range(200)]
    for stream in streams:
        stream.sendall(asking("stream 60", stream=True))
    server.wait_for("(open\n){200}", LIMIT)
    started = time.monotonic()
    os.kill(server.pid, signal.SIGTERM)
    for stream in streams:
        (answer,) = answers(rest(stream))
        assert answer.status == 200
        assert re.search(rb'data: \{"error":\{.*"code":"cancelled".*\n\ndata: \[DONE\]\n\n$', answer.body)
        stream.close()
    assert server.stop() == 0
    assert time.monotonic() - started < 4
    assert "left" in server.output


@pytest.mark.parametrize("how", ["a program", "a lifespan"])
def test_a_second_signal_ends_even_what_does_not_listen(serve: Serve, how: str) -> None:
    hangs = PROGRAM.replace("    yield\n", "    yield\n    await asyncio.sleep(60)\n", 1)
    server = serve(hangs if how == "a lifespan" else PROGRAM)
    with connect(server) as stream:
        if how == "a program":
            stream.sendall(asking("hold 60", stream=True))
            server.wait_for("open")
        os.kill(server.pid, signal.SIGTERM)
        time.sleep(0.5)
        started = time.monotonic()
        os.kill(server.pid, signal.SIGTERM)
        time.sleep(0.2)
        assert server.stop(signal.SIGTERM) == 1
    assert 2 < time.monotonic() - started < 6
    assert "what programs do or close does not end: the process does" in server.output


@pytest.mark.parametrize("end", ["a failure", "a signal"])
def test_who_waits_for_a_server_that_never_opens_hears_so(tmp_path: Path, end: str) -> None:
    seconds, then = (1, "raise ValueError('no database')") if end == "a failure" else (60, "pass")
    server = started_slowly(tmp_path, free_port(), seconds, then)
    with connect(server) as early, ThreadPoolExecutor() as pool:
        early.sendall(asking("hi"))
        waiting = pool.submit(rest, early)
        time.sleep(0.2)
        if end == "a signal":
            started = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - started < 3  # the usual time of open requests would be in vain
        (answer,) = answers(waiting.result(LIMIT))
        assert answer.status >= 500
        assert "database" not in answer.error["message"]
    if end == "a failure":
        assert server.stop(signal.SIGCONT) == 3
        assert "failed: ValueError: no database" in server.output
        assert "Traceback" not in server.output


def test_a_unix_socket_is_left_as_it_was_found(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    server = serve(PROGRAM, flags=("--uds", str(path)))
    assert server.base_url == f"unix:{path}:/v1"
    transport = httpx.HTTPTransport(uds=str(path))
    with httpx.Client(transport=transport, base_url="http://localhost") as client:
        assert client.get("/health/ready").status_code == 200
    (tmp_path / "second.py").write_text(PROGRAM)
    second = ServerProcess(str(tmp_path / "second.py"), "--uds", str(path))
    assert second.stop(signal.SIGCONT) == 3
    assert "is in use: choose another with --uds" in second.output
    assert server.stop() == 0
    assert not path.exists()


def test_a_program_that_holds_its_thread_for_a_while_only_delays_the_end(serve: Serve) -> None:
    server = serve(PROGRAM)
    with connect(server) as stream:
        stream.sendall(asking("hold 1", stream=True))
        server.wait_for("open")
        assert server.stop() == 0
        assert answers(rest(stream))[0].body.endswith(b"data: [DONE]\n\n")
    assert "left" in server.output
