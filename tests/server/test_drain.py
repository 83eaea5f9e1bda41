"""The end of a server, and its beginning: what each client hears, and how the process ends."""

import os
import signal
import time
from pathlib import Path

import httpx
import pytest

from processes import Serve, ServerProcess
from server.ending import LIMIT, PROGRAM, free_port, ready, root_of, started_slowly
from server.raw import answers, asking, connect, read_answer, rest


def test_readiness_fails_first_while_all_is_still_answered(serve: Serve) -> None:
    server = serve(PROGRAM, flags=("--drain-delay", "1.5"))
    with connect(server) as before:
        before.sendall(asking("hi"))
        assert "connection" not in read_answer(before).headers
        os.kill(server.pid, signal.SIGTERM)
        started = time.monotonic()
        while ready(server)[0] == 200:
            assert time.monotonic() - started < 1
        assert ready(server) == (503, "close")
        server.wait_for("ending: requests are taken for 1.5 s more")
        assert httpx.get(f"{root_of(server)}/health/live").status_code == 200
        before.sendall(asking("hi"))
        kept = read_answer(before)
        assert (kept.text, kept.headers["connection"]) == ("hi", "close")
        with connect(server) as after:
            after.sendall(asking("there"))
            assert [answer.text for answer in answers(rest(after))] == ["there"]
        assert rest(before) == b""
    assert server.stop() == 0
    assert "left" in server.output


def test_without_a_delay_nobody_is_let_in_and_what_is_open_ends(serve: Serve) -> None:
    server = serve(PROGRAM)
    with (
        connect(server) as idle,
        connect(server) as new,
        connect(server) as half,
        connect(server) as stream,
        connect(server) as refused,
    ):
        idle.sendall(asking("hi"))
        assert read_answer(idle).text == "hi"
        half.sendall(asking("half")[:40])
        refused.sendall(b"garbage\r\n\r\n")
        stream.sendall(asking("stream 1", stream=True))
        server.wait_for("open")
        os.kill(server.pid, signal.SIGTERM)
        assert rest(idle) == rest(new) == b""
        assert answers(rest(refused))[0].status == 400
        with pytest.raises(OSError, match="refused"):
            connect(server)
        half.sendall(asking("half")[40:])
        (late,) = answers(rest(half))
        assert (late.text, late.headers["connection"]) == ("half", "close")
        assert b'"content":"last"' in answers(rest(stream))[0].body
    assert server.stop() == 0
    assert "ending: open requests get 5 s" in server.output


@pytest.mark.parametrize("signals", [(signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGTERM)])
def test_a_second_signal_of_any_kind_ends_at_once(serve: Serve, signals: tuple[signal.Signals, ...]) -> None:
    server = serve(PROGRAM, flags=("--drain-delay", "60", "--shutdown-timeout", "60"))
    with connect(server) as stream:
        stream.sendall(asking("stream 60", stream=True))
        server.wait_for("open")
        os.kill(server.pid, signals[0])
        time.sleep(0.3)
        started = time.monotonic()
        assert server.stop(signals[1]) == 0
        assert answers(rest(stream))[0].body.endswith(b"data: [DONE]\n\n")
    assert time.monotonic() - started < 2
    assert "left" in server.output


# ---- the beginning


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_a_program_is_loaded_ends_it_without_a_word(tmp_path: Path, how: signal.Signals) -> None:
    (file := tmp_path / "slow.py").write_text("import time\nprint('loading', flush=True)\ntime.sleep(60)\n")
    server = ServerProcess(str(file))
    server.wait_for("loading", LIMIT)
    started = time.monotonic()
    assert server.stop(how) == 0
    assert time.monotonic() - started < 3
    assert server.output == "loading\n"


def test_a_server_that_opens_is_alive_and_not_ready_and_who_asks_waits(tmp_path: Path) -> None:
    server = started_slowly(tmp_path, free_port(), 1.5)
    try:
        with connect(server) as early:
            early.sendall(asking("hi"))
            assert ready(server)[0] == 503
            assert httpx.get(f"{root_of(server)}/health/live").status_code == 200
            assert "Serving" not in server.output
            assert read_answer(early).text == "hi"
        server.wait_for("Serving")
        assert ready(server)[0] == 200
    finally:
        assert server.stop() == 0


# ---- UNIX sockets


def test_a_third_signal_changes_nothing_and_a_lifespan_that_hangs_is_left(serve: Serve) -> None:
    server = serve(PROGRAM.replace("    yield\n", "    yield\n    await asyncio.sleep(60)\n", 1))
    for _ in range(3):
        os.kill(server.pid, signal.SIGTERM)
        time.sleep(0.2)
    assert server.stop(signal.SIGCONT) == 1
    assert "what programs do or close does not end: the process does" in server.output
