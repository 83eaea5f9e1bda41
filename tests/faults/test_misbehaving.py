"""Programs that do what they should not: their own client hears of it, all others go on, and nothing is left."""

import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise

import pytest

from faults.killing import request_of
from faults.leftovers import TASKS, assert_nothing_is_left, held, memory
from faults.misbehaving import PROGRAM, SYNC
from processes import Serve, ServerProcess
from server.raw import Answer, answers, connect, rest
from share import share

MIB = 1024 * 1024
LIMIT = 10.0
STILL = 0.5
"""Seconds without a word of another stream, of one in fifty a second, that a busy machine may excuse."""
MODELS = ["program", "sync"]
HASTY = ("--first-event-timeout", "0.5", "--event-timeout", "0.5", "--run-timeout", "1.5", "--max-answer", str(10**12))


@pytest.fixture(scope="module")
def server(serve_module: Serve) -> ServerProcess:
    return started(serve_module)


@pytest.fixture(scope="module")
def hasty(serve_module: Serve) -> ServerProcess:
    return started(serve_module, *HASTY)


def started(serve: Serve, *flags: str) -> ServerProcess:
    names = (f"--name={name}" for name in ("program", "sync", "tasks"))
    server = serve(PROGRAM, SYNC, TASKS, flags=(*names, "--no-access-log", "--shutdown-timeout=1", *flags))
    for model in MODELS:
        assert ask(server, "tick 1", model=model, stream=True).status == 200
    return server


def ask(server: ServerProcess, prompt: str, *, stream: bool, model: str = "program") -> Answer:
    """Ask, and give the whole answer: it has to end with `[DONE]` where it is a stream."""
    with connect(server, 30) as client:
        client.sendall(request_of(prompt, "Connection: close", model=model, stream=stream))
        (answer,) = answers(rest(client))
    assert answer.status != 200 or not stream or answer.body.endswith(b"data: [DONE]\n\n")
    return answer


def failed(answer: Answer, code: str) -> int:
    """Give the status of an answer that has to say in its own way that it failed."""
    if answer.status == 200:
        *_, error, done = answer.body.split(b"\n\n")[:-1]
        assert error.startswith(b'data: {"error":')
        assert f'"code":"{code}"'.encode() in error
        assert done == b"data: [DONE]"
    else:
        assert answer.error["code"] == code
    assert b"why" not in answer.body
    assert b"Traceback" not in answer.body
    return answer.status


@contextmanager
def another(server: ServerProcess, ticks: int = 50) -> Iterator[list[float]]:
    """Follow another stream meanwhile: it has to come to its end. Gives when each of its words came."""
    times: list[float] = []

    def follow() -> bytes:
        said = b""
        with connect(server, 30) as client:
            client.sendall(request_of(f"tick {ticks}", "Connection: close", stream=True))
            while piece := client.recv(65536):
                said += piece
                times.append(time.monotonic())
        return said

    with ThreadPoolExecutor() as pool:
        following = pool.submit(follow)
        yield times
        assert following.result(30).count(b'"tick "') == ticks


def last_of(client: socket.socket) -> bytes:
    """Read to the end of a long answer, and give that."""
    last = b""
    while piece := client.recv(MIB):
        last = (last + piece)[-1000:]
    return last


class Closings:
    """Those of the programs that had one prompt, from now on."""

    def __init__(self, server: ServerProcess, prompt: str) -> None:
        self._server = server
        self._line = f"closed {prompt}\n"
        self._before = server.output.count(self._line)

    def wait_for(self, count: int) -> None:
        self._server.wait_for(f"(?s)({self._line}.*){{{self._before + count}}}", LIMIT)


def longest_silence(times: list[float]) -> float:
    return max(after - before for before, after in pairwise(times))


# ---- one that blocks the loop


def test_streams_go_on_after_a_program_has_blocked_the_loop_and_the_log_says_where(serve: Serve) -> None:
    server = started(serve)
    before = held(server)
    with another(server, ticks=150) as times:
        while len(times) < 10:
            time.sleep(0.02)
        assert ask(server, "block 2", stream=True).body.count(b'"content"') == 2
        seen = len(times)
    assert 1.5 < longest_silence(times) < 4
    assert len(times) > seen
    line = PROGRAM.splitlines().index("    time.sleep(float(seconds))") + 1
    assert re.search(rf"the event loop is blocked.* by block, in \S+\.py, line {line}\.", server.output)
    assert_nothing_is_left(server, before, memory=4 * MIB)


# ---- one that never ends


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("prompt", ["silent 0", "silent 3", "endless"])
def test_a_program_that_never_ends_is_cancelled_and_its_client_told(
    hasty: ServerProcess, prompt: str, model: str
) -> None:
    before, closings = held(hasty), Closings(hasty, prompt)
    for stream in (True, False):
        started = time.monotonic()
        status = failed(ask(hasty, prompt, stream=stream, model=model), "timeout")
        assert status == (200 if stream and prompt != "silent 0" else 504)
        assert 0.4 < time.monotonic() - started < 6
    closings.wait_for(2)
    assert_nothing_is_left(hasty, before, memory=4 * MIB)


# ---- one that floods


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("client", "size"), [("stalls", 1000), ("reads", 1000), ("has left", 1000), ("stalls", 0)])
def test_a_flood_holds_up_nobody_and_is_kept_nowhere(hasty: ServerProcess, client: str, size: int, model: str) -> None:
    prompt = f"flood {size}"
    before, closings = held(hasty), Closings(hasty, prompt)
    with connect(hasty, 30) as flooded, another(hasty, ticks=20) as times:
        policy = "X-Mserve-On-Disconnect: finish"
        flooded.sendall(request_of(prompt, policy, "Connection: close", model=model, stream=True))
        if client == "has left":
            flooded.close()
        elif client == "reads":
            assert re.search(rb'"code":"timeout".*\n\ndata: \[DONE\]\n\n\r\n0\r\n\r\n$', last_of(flooded))
        time.sleep(0.4)
        assert memory(hasty.pid) - before.memory < 8 * MIB
    assert longest_silence(times) < STILL
    closings.wait_for(1)
    assert_nothing_is_left(hasty, before, memory=8 * MIB)


@pytest.mark.parametrize("model", MODELS)
def test_a_flood_that_is_to_come_whole_ends_where_answers_do(serve: Serve, model: str) -> None:
    server = started(serve, "--max-answer", "5000000")
    before, closings = held(server), Closings(server, "flood 1000")
    with another(server, ticks=20) as times:
        assert failed(ask(server, "flood 1000", stream=False, model=model), "program_error") == 500
        assert memory(server.pid) - before.memory < 32 * MIB
    assert longest_silence(times) < STILL
    closings.wait_for(1)
    assert "the answer is longer than 5000000 characters" in server.output
    assert_nothing_is_left(server, before, memory=16 * MIB)


# ---- one that raises what no program should


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", ["interrupt", "exit", "generator", "odd"])
def test_whatever_a_program_raises_ends_its_own_run_alone(server: ServerProcess, name: str, model: str) -> None:
    before = held(server)
    closings = [Closings(server, f"{when} {name}") for when in ("early", "late")]
    with another(server, ticks=20) as times:
        for stream in (True, False):
            assert failed(ask(server, f"early {name}", stream=stream, model=model), "program_error") == 500
            status = failed(ask(server, f"late {name}", stream=stream, model=model), "program_error")
            assert status == (200 if stream else 500)
    assert longest_silence(times) < STILL
    for each in closings:
        each.wait_for(2)
    assert_nothing_is_left(server, before, memory=4 * MIB)


@pytest.mark.parametrize("name", ["interrupt", "exit", "odd"])
def test_whatever_a_task_of_a_program_raises_ends_that_task_alone(serve: Serve, name: str) -> None:
    server = started(serve)
    before = held(server)
    with another(server, ticks=20) as times:
        assert b'"left"' in ask(server, f"leave {name}", stream=True).body
    assert longest_silence(times) < STILL
    assert_nothing_is_left(server, before, memory=4 * MIB)
    assert server.stop() == 0


# ---- one that says much


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("how", ["one", "many"])
def test_a_hundred_megabytes_arrive_and_their_memory_is_given_back(
    server: ServerProcess, how: str, stream: bool
) -> None:
    size = share(100) * 1_000_000
    before = held(server)
    for number in range(3):
        with another(server, ticks=20), connect(server, 30) as client:
            client.sendall(request_of(f"{how} {size}", "Connection: close", stream=stream))
            answer = rest(client)
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert answer.count(b"x" * 10) * 10 >= size * 0.99  # but for those where it is cut
        assert answer.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n" if stream else b"}")
        if number == 0:  # what the allocator keeps at hand does not add up
            before = before._replace(memory=memory(server.pid))
    assert_nothing_is_left(server, before, memory=16 * MIB)


# ---- one that leaves something behind


@pytest.mark.parametrize(
    ("kind", "name"), [("task", None), ("deaf", None), ("thread", "left thread"), ("executor", "_0")]
)
def test_what_a_program_left_behind_does_not_hold_the_end(serve: Serve, kind: str, name: str | None) -> None:
    server = started(serve)
    assert b'"left"' in ask(server, f"leave {kind}", stream=True).body
    stopped = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - stopped < (3 if name is None else 7)
    said = re.search(r"threads do not end though all is closed: they are left behind \((.*)\)", server.output)
    assert (said is None) == (name is None)
    assert name is None or (said is not None and name in said[1])


def test_what_is_to_be_done_at_the_exit_gets_its_time(serve: Serve) -> None:
    server = started(serve)
    assert b'"left"' in ask(server, "leave exit-handler", stream=True).body
    assert server.stop() == 0
    assert "handled" in server.output


def test_a_program_that_is_deaf_is_left_behind_by_its_name(serve: Serve) -> None:
    hasty = started(serve, *HASTY)
    before = held(hasty)
    assert failed(ask(hasty, "deaf", stream=True), "timeout") == 200
    with another(hasty, ticks=20) as times:
        pass
    assert longest_silence(times) < STILL
    assert held(hasty).active == before.active + 1  # it runs, so it counts
    stopped = time.monotonic()
    assert hasty.stop() == 0
    assert time.monotonic() - stopped < 8
    assert "program program does not end though its run was cancelled: it is left behind" in hasty.output
