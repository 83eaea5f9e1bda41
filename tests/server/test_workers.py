"""Several processes that are one server: what befalls one of them is not the others', and hardly its clients'."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

import mserve
from mserve.errors import LoadError, StartupError
from mserve.server.config import Settings
from server.developing import LIMIT, ask, text_of
from server.raw import rest
from server.working import WorkersProcess, counted, pids, stream, until, working, write
from web.outcomes import metrics_of


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "hello.py")


def test_a_worker_that_is_killed_is_replaced_and_the_others_streams_and_all_numbers_go_on(file: Path) -> None:
    with working(file) as server, ThreadPoolExecutor(12) as pool:
        spread = Counter(pids(server, 40))
        assert set(spread) == set(server.children())
        assert min(spread.values()) >= 5  # less is as likely as one in a hundred thousand
        until(lambda: counted(server) == 40)
        streams = [pool.submit(stream, server) for _ in range(12)]
        until(lambda: "mserve_runs_active 12.0\n" in metrics_of(server))
        victim, other = server.children()
        os.kill(victim, signal.SIGKILL)
        told = rf"worker \d \(process {victim}\) was ended by signal 9 \(Killed\): another takes its place in 0.5 s"
        server.wait_for(told, LIMIT)
        assert counted(server) >= 40
        heard = [one.result(LIMIT) for one in streams]
        whole = [text_of(text) for text in heard if not text.endswith("broken")]
        assert whole == [f"{other} " * 12] * len(whole)
        assert 0 < len(whole) < 12
        server.wait_for(r"worker \d serves", LIMIT)
        assert set(pids(server, 40)) == set(server.children()) != {victim, other}
        until(lambda: counted(server) == 80 + len(whole))
        assert 'mserve_build_info{python="' in metrics_of(server)
        assert re.search(r"mserve_build_info\S+ 1\.0\n", metrics_of(server))
        assert server.stop() == 0
    assert server.output.count("takes its place") == server.output.count("Serving ") == 1


def keep_asking(server: WorkersProcess, client: httpx.Client | None, answers: list[str], stop: threading.Event) -> None:
    while not stop.is_set():
        answers.append(ask(server, client=client)[:2])
        time.sleep(0.01)


def test_a_renewal_loses_no_request_and_a_broken_version_never_takes_over(file: Path) -> None:
    write(file, "v0 ")
    stop, answers = threading.Event(), [[], []]  # type: tuple[threading.Event, list[list[str]]]
    with working(file, "--no-access-log") as server, httpx.Client() as client, ThreadPoolExecutor(6) as pool:
        asking = [
            pool.submit(keep_asking, server, one, found, stop)
            for one, found in zip((None, client), answers, strict=True)
        ]
        streams = [pool.submit(stream, server) for _ in range(4)]
        until(lambda: "mserve_runs_active 4" in metrics_of(server))
        before = counted(server)
        write(file, "v1 ")
        os.kill(server.pid, signal.SIGHUP)
        try:
            server.wait_for("SIGHUP: all workers have successors", LIMIT)
            assert counted(server) >= before
            file.write_text("1 / 0\n")
            os.kill(server.pid, signal.SIGHUP)
            told = server.wait_for(r"SIGHUP: (.*, line 1: ZeroDivision.*)", LIMIT)[1]
            assert told.endswith("division by zero  (2 of 2 workers go on as before)")
            time.sleep(0.3)
        finally:
            stop.set()
        for asked in asking:
            asked.result(LIMIT)
        assert [list(dict.fromkeys(found)) for found in answers] in ([["v0", "v1"]] * 2, [["v0", "v1", "v0", "v1"]] * 2)
        assert all(set(re.findall(r"v\d", text_of(one.result(LIMIT)))) == {"v0"} for one in streams)
        server.wait_for_children(2)
        assert server.stop() == 0
    assert "takes its place" not in server.output


def test_a_renewal_overtakes_the_one_before_and_what_cannot_be_closed_is_told(tmp_path: Path) -> None:
    opening = "import asyncio, contextlib\n@contextlib.asynccontextmanager\nasync def lifespan():\n    {}\n"
    serving = "def serve(prompt):\n    return 'x'\n"
    gone = opening.format("yield\n    raise ValueError('gone')") + serving
    (file := tmp_path / "hello.py").write_text(gone)
    with working(file) as server:
        file.write_text(
            opening.format("print('opening', flush=True)\n    await asyncio.sleep(60)\n    yield") + serving
        )
        os.kill(server.pid, signal.SIGHUP)
        server.wait_for("opening", LIMIT)
        file.write_text(gone)
        os.kill(server.pid, signal.SIGHUP)
        server.wait_for("SIGHUP: all workers have successors", LIMIT)
        server.wait_for_times("ERROR: +a lifespan failed while it was closed: ValueError: gone", 2)
        server.wait_for_children(2)
        assert server.stop() == 1
    assert "takes its place" not in server.output
    assert server.output.splitlines()[-1] == "mserve: a lifespan failed while it was closed: ValueError: gone"
    assert server.output.count("mserve: ") == 1


def test_numbers_are_those_of_all_or_none_in_bounded_time(file: Path) -> None:
    with working(file) as server, ThreadPoolExecutor(16) as pool:
        for done in range(1, 4):  # each sum is begun after it was asked for
            pids(server, 4)
            until(lambda done=done: counted(server) == 4 * done)  # type: ignore[misc]
        assert set(pool.map(lambda _: counted(server), range(64))) == {12.0}
        os.kill(server.pid, signal.SIGSTOP)
        try:
            started = time.monotonic()
            url = server.base_url.removesuffix("/v1")
            assert httpx.get(f"{url}/metrics", timeout=LIMIT).json()["error"]["code"] == "overloaded"
            assert time.monotonic() - started < 5
            assert ask(server)
        finally:
            os.kill(server.pid, signal.SIGCONT)
        until(lambda: counted(server) == 13)
        children = server.children()
        server.stop(signal.SIGKILL)
        until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))


def test_a_signal_lets_each_stream_end_with_an_error_and_done(file: Path) -> None:
    with working(file, "--shutdown-timeout", "0") as server, ThreadPoolExecutor(4) as pool:
        streams = [pool.submit(stream, server, "hang") for _ in range(4)]
        until(lambda: "mserve_runs_active 4" in metrics_of(server))
        assert server.stop() == 0
        for heard in (one.result(LIMIT) for one in streams):
            assert '"code":"cancelled"' in heard
            assert heard.endswith("data: [DONE]\n\n")


def refusal(*arguments: str) -> str:
    """The one line of a server that cannot start."""
    command = [sys.executable, "-m", "mserve", *arguments, "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 3, done
    (line,) = done.stderr.splitlines()
    return line


def test_what_cannot_be_served_by_several_is_told_once(file: Path) -> None:
    (one := file.with_name("one.py")).write_text(
        "import mserve\n@mserve.served(max_runs=1)\ndef serve():\n    return 'x'\n"
    )
    file.write_text("1 / 0\n")
    said = {
        (
            "run",
            str(one),
            "--workers",
            "2",
        ): "max_runs=1 cannot be divided among 2 workers: raise it, or say --workers 1",
        ("run", str(file), "--workers", "3"): "line 1: ZeroDivisionError: division by zero",
        ("run", str(file), "--workers", "3", "--max-runs", "2"): "--max-runs 2 cannot be divided among 3 workers",
        ("dev", str(file), "--workers", "2"): "--workers is for mserve run",
    }
    with ThreadPoolExecutor(2) as pool:
        lines = list(pool.map(lambda arguments: refusal(*arguments), said))
    assert [part in line for part, line in zip(said.values(), lines, strict=True)] == [True] * 4, lines


def test_python_starts_workers_of_what_they_can_load_themselves(file: Path, tmp_path: Path) -> None:
    settings = Settings(workers=2, port=0)
    for programs, lifespan in (([file, lambda prompt: prompt], None), ([file], lambda: None)):
        with pytest.raises(StartupError, match="several workers load the programs themselves"):
            mserve.run(*programs, lifespan=lifespan, settings=settings)  # type: ignore[arg-type]
    with pytest.raises(StartupError, match="serve_async does not"):
        asyncio.run(mserve.serve_async(file, settings=settings))
    with pytest.raises(LoadError, match="there is no such file"):
        mserve.run(tmp_path / "none.py", settings=settings)


def test_a_system_without_the_signals_is_told_so(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(signal, "SIGHUP")
    with pytest.raises(StartupError, match="it takes Linux or macOS"):
        mserve.run(file, settings=Settings(workers=2))


def test_a_unix_socket_has_workers_too_and_lines_of_their_logs_are_whole(file: Path, tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with working(file, "--uds", path) as server, ThreadPoolExecutor(8) as pool:

        def ready(_number: int) -> bool:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(path)
                client.sendall(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                return rest(client).startswith(b"HTTP/1.1 200 OK")

        assert all(pool.map(ready, range(400)))
        server.stop()
    lines = [line for line in server.output.splitlines() if not line.startswith("Serving")]
    assert len(lines) == 400
    assert all(re.fullmatch(r'INFO:     - "GET /health/ready" 200 .* request_id=\w{32}', line) for line in lines), (
        lines[0]
    )
    assert not Path(path).exists()


def test_a_process_whose_supervisor_has_ended_already_ends_without_a_word() -> None:
    ours, theirs = socket.socketpair()
    with socket.socket() as listener, theirs:
        ours.close()
        files = theirs.fileno(), listener.fileno()
        command = [sys.executable, "-m", "mserve.server.supervised", *map(str, files)]
        done = subprocess.run(command, pass_fds=files, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
