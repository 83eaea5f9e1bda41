"""The end of a process in which something does not end: when, with which exit code, and what is still done before."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from processes import Serve, ServerProcess
from server.ending import LIMIT, PROGRAM, free_port, root_of, started_slowly
from server.raw import answers, asking, connect, read_answer, rest

LEFT = "threads do not end though all is closed: they are left behind"
FORCED = "what programs do or close does not end: the process does"
SOON = ("--shutdown-timeout", "1", "--close-timeout", "2")
HANGS = PROGRAM.replace("    yield\n", "    yield\n    await asyncio.sleep(3600)\n", 1)
STUCK = (
    PROGRAM.replace('        yield "last"', "        await asyncio.to_thread(time.sleep, 60)")
    .replace("asyncio.sleep(float(word))", "asyncio.sleep(0)")
    .replace("import time\n", "import atexit\nimport time\n\natexit.register(print, 'flushed')\n", 1)
)
"""Its streams hold a thread of the loop's own pool, and it has something to do at the end of the process."""


def stopped(server: ServerProcess, how: int = signal.SIGTERM) -> tuple[int, float]:
    """End a server; its exit code, and the seconds that it took."""
    started = time.monotonic()
    return server.stop(how), time.monotonic() - started


@pytest.mark.parametrize("signals", [1, 2])
def test_a_thread_that_a_program_left_is_left_behind_and_all_else_is_done(serve: Serve, signals: int) -> None:
    server = serve(STUCK, flags=("--shutdown-timeout", "1"))
    with connect(server) as stream:
        stream.sendall(asking("stream 60", stream=True))
        server.wait_for("open")
        if signals == 2:
            os.kill(server.pid, signal.SIGTERM)
            server.wait_for("ending: open requests")
        code, seconds = stopped(server)
        assert answers(rest(stream))[0].body.endswith(b"data: [DONE]\n\n")
    assert code == 0
    assert seconds < 6
    assert "left\n" in server.output
    assert "flushed\n" in server.output
    assert LEFT in server.output
    assert FORCED not in server.output


def test_a_process_without_such_threads_ends_as_any_other(serve: Serve) -> None:
    """A pool of processes, which nobody closes but Python itself, included."""
    pool = "from concurrent.futures import ProcessPoolExecutor\nPOOL = ProcessPoolExecutor(1)\n"
    work = "async def serve():\n    yield str(await asyncio.get_running_loop().run_in_executor(POOL, os.getpid))\n"
    server = serve(f"import asyncio\nimport os\n{pool}{work}")
    with connect(server) as client:
        client.sendall(asking("x"))
        worker = int(read_answer(client).text)
    code, seconds = stopped(server)
    assert code == 0
    assert seconds < 5
    assert "left behind" not in server.output
    assert not Path(f"/proc/{worker}").exists()


def test_what_is_to_be_done_at_the_end_of_a_process_has_its_time(serve: Serve) -> None:
    server = serve(
        "import atexit\nimport time\n"
        "def flush():\n    time.sleep(2)\n    print('flushed', flush=True)\n"
        "atexit.register(flush)\ndef serve(prompt):\n    return prompt\n"
    )
    assert stopped(server)[0] == 0
    assert server.output.count("flushed\n") == 1
    assert "left behind" not in server.output


def test_a_lifespan_that_failed_is_told_though_a_thread_is_left(serve: Serve) -> None:
    fails = STUCK.replace("    yield\n", "    yield\n    raise ValueError('the pool is gone')\n", 1)
    server = serve(fails, flags=("--shutdown-timeout", "0"))
    with connect(server) as stream:
        stream.sendall(asking("stream 60", stream=True))
        server.wait_for("open")
        assert stopped(server)[0] == 1
    assert "mserve: a lifespan failed while it was closed: ValueError: the pool is gone" in server.output
    assert LEFT in server.output


def test_a_lifespan_that_does_not_close_gets_its_time_and_no_more(serve: Serve) -> None:
    server = serve(HANGS, flags=SOON)
    code, seconds = stopped(server)
    assert code == 1
    assert 1.9 < seconds < 6
    assert f"{FORCED} (mserve lifespans)" in server.output


def test_a_lifespan_that_closes_in_its_time_is_waited_for(serve: Serve) -> None:
    slow = PROGRAM.replace("    yield\n", "    yield\n    await asyncio.sleep(2)\n", 1)
    server = serve(slow, flags=("--shutdown-timeout", "0"))
    assert stopped(server)[0] == 0
    assert "left\n" in server.output


def test_a_program_that_holds_the_loop_is_ended_by_one_signal(serve: Serve) -> None:
    server = serve(PROGRAM, flags=SOON)
    with connect(server) as stream:
        stream.sendall(asking("hold 60", stream=True))
        server.wait_for("open")
        code, seconds = stopped(server)
    assert code == 1
    assert 2.9 < seconds < 7
    assert FORCED in server.output
    assert "mserve run of" in server.output


def test_a_start_that_waits_for_a_thread_ends_without_it(tmp_path: Path) -> None:
    server = started_slowly(tmp_path, free_port(), 0, "await asyncio.to_thread(__import__('time').sleep, 60)")
    time.sleep(0.3)
    code, seconds = stopped(server)
    assert code == 0
    assert seconds < 4


def test_a_task_that_catches_its_cancellation_is_left(serve: Serve) -> None:
    spawned = (
        "import asyncio\n"
        "async def go_on():\n"
        "    while True:\n"
        "        try:\n            await asyncio.sleep(60)\n"
        "        except asyncio.CancelledError:\n            print('not yet', flush=True)\n"
        "async def serve():\n"
        "    serve.task = asyncio.create_task(go_on())\n    yield 'a'\n"
    )
    server = serve(spawned)
    with connect(server) as client:
        client.sendall(asking("x"))
        assert read_answer(client).text == "a"
    code, seconds = stopped(server)
    assert code == 0
    assert seconds < 4
    assert "not yet" in server.output


def test_a_log_that_nobody_reads_does_not_hold_the_end(tmp_path: Path) -> None:
    (file := tmp_path / "floods.py").write_text(
        "import sys\nasync def serve(prompt):\n    sys.stderr.write('x' * 1_000_000)\n    yield prompt\n"
    )
    port = free_port()
    command = [sys.executable, "-m", "mserve", "run", str(file), "--port", str(port), *SOON]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            with connected(port) as client:
                client.sendall(asking("x"))
                time.sleep(0.5)
                process.send_signal(signal.SIGTERM)
                assert process.wait(LIMIT) == 1
        finally:
            process.kill()


def connected(port: int) -> socket.socket:
    until = time.monotonic() + 3 * LIMIT
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), LIMIT)
        except ConnectionRefusedError:
            assert time.monotonic() < until
            time.sleep(0.05)


def test_who_reads_nothing_at_the_end_is_cut_off_and_who_reads_hears_all(serve: Serve) -> None:
    floods = (
        "import asyncio\nasync def serve(prompt):\n    while True:\n"
        "        yield 'x' * 100_000\n        await asyncio.sleep(0.01)\n"
    )
    server = serve(floods, flags=("--shutdown-timeout", "1"))
    host, port = root_of(server).removeprefix("http://").split(":")
    with connect(server) as reader, socket.socket() as stalled:
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.connect((host, int(port)))
        stalled.sendall(asking("x", stream=True))
        stalled.settimeout(LIMIT)
        assert stalled.recv(1)
        time.sleep(1)
        reader.sendall(asking("x", stream=True))
        assert reader.recv(1)  # else the server may end before it has read that
        os.kill(server.pid, signal.SIGTERM)
        assert rest(reader).endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
        code, seconds = stopped(server, signal.SIGCONT)
    assert code == 0
    assert seconds < 4
    assert "Traceback" not in server.output
    assert "ERROR" not in server.output


SCRIPT = """
import asyncio
import contextlib
import sys
import time
import mserve

@contextlib.asynccontextmanager
async def lifespan():
    print("Serving it at here", flush=True)
    yield
    await asyncio.sleep(float(sys.argv[1]))

def serve(prompt):
    return prompt

settings = mserve.Settings(port=0, shutdown_timeout=0, close_timeout=1)
mserve.run(serve, lifespan=lifespan, settings=settings)
time.sleep(2)
print("went on", flush=True)
"""


@pytest.mark.parametrize(("closing", "code"), [(0, 0), (60, 1)])
def test_a_script_is_ended_while_it_serves_and_not_afterwards(tmp_path: Path, closing: int, code: int) -> None:
    (file := tmp_path / "script.py").write_text(SCRIPT)

    class Script(ServerProcess):
        start = (str(file), str(closing))

    script = Script()
    script.wait_for("Serving", 3 * LIMIT)
    time.sleep(0.5)
    assert stopped(script)[0] == code
    assert ("went on" in script.output) == (code == 0)
    assert (FORCED in script.output) == (code == 1)
