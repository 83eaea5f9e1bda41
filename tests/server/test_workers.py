"""Several processes that are one server: what befalls one of them is not the others', and hardly its clients'."""

import asyncio
import os
import re
import resource
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
from server.raw import asking, connect, rest
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


def test_a_worker_that_hangs_is_replaced_and_who_waits_for_it_is_answered(file: Path) -> None:
    with working(file, "--worker-timeout", "1", "--block-warning", "0") as server, ThreadPoolExecutor(12) as pool:
        before = counted(server) + len(pids(server, 4))
        until(lambda: counted(server) == before)
        hung = server.children()[0]
        os.kill(hung, signal.SIGSTOP)
        asked = [pool.submit(ask, server, "pid") for _ in range(12)]
        with httpx.Client(timeout=LIMIT) as client:
            url = server.base_url.removesuffix("/v1")
            client.get(f"{url}/metrics")  # waits, where it is the one that hangs
            started = time.monotonic()
            client.get(f"{url}/metrics")
            assert time.monotonic() - started < 3
        assert hung not in [int(one.result(LIMIT)) for one in asked]
        server.wait_for(rf"worker 1 \(process {hung}\) did not answer for 1 s, and was killed: another", LIMIT)
        until(lambda: counted(server) == before + 12)
        server.wait_for("worker 1 serves", LIMIT)
        blocked = pool.submit(stream, server, "block")
        server.wait_for_times("did not answer for 1 s, and was killed", 2)
        assert blocked.result(LIMIT).endswith("broken")


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


def test_deaths_in_the_midst_of_a_renewal_are_no_trouble(file: Path) -> None:
    with working(file) as server, connect(server) as client:
        client.sendall(asking("hang", stream=True))
        heard = b""
        while (busy := re.search(rb'"content":"(\d+) "', heard)) is None:
            heard += client.recv(65536)
        ending = int(busy[1])
        (other,) = set(server.children()) - {ending}
        os.kill(other, signal.SIGKILL)
        server.wait_for("takes its place", LIMIT)
        os.kill(server.pid, signal.SIGHUP)  # the place is filled by it before its time has come
        server.wait_for("SIGHUP: all workers have successors", LIMIT)
        os.kill(ending, signal.SIGKILL)
        server.wait_for(rf"a worker that was to end \(process {ending}\) was ended by signal 9", LIMIT)
        server.wait_for_children(2)
        assert server.stop() == 0


def test_a_signal_lets_each_stream_end_with_an_error_and_done(file: Path) -> None:
    with working(file, "--shutdown-timeout", "0") as server, ThreadPoolExecutor(4) as pool:
        streams = [pool.submit(stream, server, "hang") for _ in range(4)]
        until(lambda: "mserve_runs_active 4" in metrics_of(server))
        assert server.stop() == 0
        for heard in (one.result(LIMIT) for one in streams):
            assert '"code":"cancelled"' in heard
            assert heard.endswith("data: [DONE]\n\n")


def test_a_worker_that_cannot_end_is_killed_and_the_exit_code_tells(file: Path) -> None:
    with working(file, "--shutdown-timeout", "0", "--close-timeout", "1") as server:
        os.kill(server.children()[0], signal.SIGSTOP)
        started = time.monotonic()
        assert server.stop() == 1
        assert 3 < time.monotonic() - started < 10
    assert "mserve: a worker did not end in order: it was ended by signal 9 (Killed)" in server.output


def test_processes_that_die_again_and_again_are_started_ever_less_often(tmp_path: Path) -> None:
    (tmp_path / "flags").mkdir()
    (file := tmp_path / "hello.py").write_text(
        "import contextlib, os, threading\n"
        f"flags = os.listdir({str(tmp_path / 'flags')!r})\n"
        "if 'broken' in flags: os._exit(8)\n"
        "@contextlib.asynccontextmanager\n"
        "async def lifespan():\n"
        "    if 'mortal' in flags: threading.Timer(0.1, os._exit, [7]).start()\n"
        "    yield\n"
        "def serve(prompt):\n    return 'x'\n"
    )
    mortal, broken = tmp_path / "flags" / "mortal", tmp_path / "flags" / "broken"
    with working(file) as server:
        mortal.touch()
        os.kill(server.children()[0], signal.SIGKILL)
        server.wait_for("worker 1 .* ended with exit code 7: another takes its place in 1 s", LIMIT)
        mortal.rename(broken)
        server.wait_for(r"worker 1 cannot be replaced: the program .* with exit code 8; the next try is in 2 s", LIMIT)
        assert re.findall(r"takes its place in (\S+) s", server.output) == ["0.5", "1"]
        assert len(server.children()) == 1
        broken.unlink()
        server.wait_for_times("worker 1 serves", 2)
        os.kill(server.children()[0], signal.SIGTERM)  # as somebody else may: it ends in order, and is followed
        server.wait_for("ends, though nobody asked this server to: another takes its place", LIMIT)
        server.wait_for("worker 2 serves", LIMIT)
        assert ask(server) == "x"


def refusal(*arguments: str) -> str:
    """The one line of a server that cannot start."""
    command = [sys.executable, "-m", "mserve", *arguments, "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 3, done
    (line,) = done.stderr.splitlines()
    return line


def test_what_cannot_be_served_by_several_is_told_once(file: Path) -> None:
    file.write_text("import mserve\n\n@mserve.served(max_runs=1)\ndef serve(prompt):\n    return prompt\n")
    line = refusal("run", str(file), "--workers", "2")
    assert line.endswith("max_runs=1 cannot be divided among 2 workers: raise it, or say --workers 1")
    file.write_text("1 / 0\n")
    assert refusal("run", str(file), "--workers", "3").endswith("line 1: ZeroDivisionError: division by zero")
    assert "--max-runs 2 cannot be divided among 3" in refusal("run", str(file), "--workers", "3", "--max-runs", "2")
    assert "--workers is for mserve run" in refusal("dev", str(file), "--workers", "2")


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


def test_a_death_is_seen_though_a_fork_holds_the_channel_or_a_word_was_cut(tmp_path: Path) -> None:
    (file := tmp_path / "hello.py").write_text(
        "import os, threading, time\n"
        "def serve(prompt):\n"
        "    if prompt == 'fork' and (fork := os.fork()):\n"
        "        return f'{os.getpid()} {fork}'\n"
        "    if prompt == 'fork':\n"
        "        os.closerange(0, 3)\n"
        "        time.sleep(60)\n"
        "    if prompt == 'cut':\n"
        "        (link,) = (one for one in threading.enumerate() if one.name == 'mserve link')\n"
        """        link._channel.sendall(b'{"type":"Answer","num')\n"""
        "        os._exit(7)\n"
        "    return prompt\n"
    )
    with working(file) as server:
        worker, fork = map(int, ask(server, "fork").split())
        try:
            os.kill(worker, signal.SIGKILL)
            server.wait_for(rf"\(process {worker}\) was ended by signal 9 .*: another takes its place", LIMIT)
            server.wait_for("worker . serves", LIMIT)
        finally:
            os.kill(fork, signal.SIGKILL)
        assert stream(server, "cut") == "broken"
        server.wait_for("ended with exit code 7: another takes its place", LIMIT)
        server.wait_for_times("worker . serves", 2)
        assert server.stop() == 0


def test_no_room_for_a_process_ends_none_that_serves(file: Path) -> None:
    with working(file) as server:
        files = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
        held = len(list(Path(f"/proc/{server.pid}/fd").iterdir()))
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (held + 2, files[1]))
        os.kill(server.pid, signal.SIGHUP)
        server.wait_for(r"SIGHUP: no process can be started: .*open files  \(2 of 2 workers go on as before\)", LIMIT)
        os.kill(server.children()[0], signal.SIGKILL)
        server.wait_for(r"worker 1 cannot be replaced: no process can be started: .*; the next try is in 1 s", LIMIT)
        assert len(list(Path(f"/proc/{server.pid}/fd").iterdir())) < held
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, files)
        server.wait_for("worker 1 serves", LIMIT)
        assert server.stop() == 0
    assert server.output.count("SIGHUP: no process") == 1


def test_connections_go_to_the_others_where_a_worker_cannot_be_replaced(file: Path) -> None:
    with working(file, "--drain-delay", "1.5") as server:
        file.write_text("1 / 0\n")
        first, other = server.children()
        os.kill(first, signal.SIGTERM)  # at the listener whose port was chosen by the system
        server.wait_for("worker 1 has been missing for long", LIMIT)
        assert not Path(f"/proc/{first}").exists()  # it would turn around a listener that is closed under it
        assert set(pids(server, 20)) == {other}
        write(file)
        os.kill(server.pid, signal.SIGHUP)
        successor = int(server.wait_for(r"worker 1 serves \(process (\d+)\)", LIMIT)[1])
        until(lambda: successor in pids(server, 4))
        os.kill(server.pid, signal.SIGTERM)  # and again: it need not drain
    assert server.output.count("missing for long") == 1


def test_a_process_whose_supervisor_has_ended_already_ends_without_a_word() -> None:
    ours, theirs = socket.socketpair()
    with socket.socket() as listener, theirs:
        ours.close()
        files = theirs.fileno(), listener.fileno()
        command = [sys.executable, "-m", "mserve.server.supervised", *map(str, files)]
        done = subprocess.run(command, pass_fds=files, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_ctrl_c_while_workers_begin_ends_all_without_a_word(file: Path) -> None:
    with working(file, is_ready=False) as server:
        until(lambda: sum("/msgspec/" in Path(f"/proc/{child}/maps").read_text() for child in server.children()) == 2)
        for process in (*server.children(), server.pid):  # as in a terminal
            os.kill(process, signal.SIGINT)
        assert server.stop(signal.SIGINT) == 0
    assert server.output == ""
