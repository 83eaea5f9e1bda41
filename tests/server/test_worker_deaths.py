"""Workers that die, hang or cannot begin: they are replaced, and the others go on."""

import os
import re
import resource
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from server.developing import LIMIT, ask
from server.raw import asking, connect
from server.working import counted, pids, stream, until, working, write


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "hello.py")


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
        os.kill(server.pid, signal.SIGHUP)  # and nobody waits so long
        server.wait_for("SIGHUP: all workers have successors", LIMIT)
        server.wait_for_children(2)
        assert ask(server) == "x"


def test_a_death_is_seen_though_a_fork_holds_the_channel_or_a_word_was_cut(tmp_path: Path) -> None:
    (file := tmp_path / "hello.py").write_text(
        "import os, threading, time\n"
        "async def serve(prompt):\n"  # on the loop, as the link is: nothing else is said meanwhile
        "    if prompt == 'fork' and (fork := os.fork()):\n"
        "        return f'{os.getpid()} {fork}'\n"
        "    if prompt == 'fork':\n"
        "        os.closerange(0, 3)\n"
        "        time.sleep(60)\n"
        "    if prompt == 'cut':\n"
        "        (link,) = (one for one in threading.enumerate() if one.name == 'mserve link')\n"
        """        link._channel.sendall(b'{"type":"Answer","num')\n"""
        "        os._exit(7)\n"
        "    if prompt == 'nonsense':\n"
        "        (link,) = (one for one in threading.enumerate() if one.name == 'mserve link')\n"
        """        link._channel.sendall(b'nonsense\\n')\n"""
        "        time.sleep(60)\n"
        "    return prompt\n"
    )
    with working(file, "--no-metrics") as server:
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
        assert stream(server, "nonsense") == "broken"  # it is ended
        server.wait_for_times("was ended by signal 9 .*: another takes its place", 2)
        server.wait_for_times("worker . serves", 3)
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
        os.kill(first, signal.SIGTERM)  # as somebody else may; its listener is the one whose port the system chose
        server.wait_for("worker 1 .* ends, though nobody asked this server to: another takes its place", LIMIT)
        server.wait_for("worker 1 is missing: the others get", LIMIT)
        assert not Path(f"/proc/{first}").exists()  # it would turn around a listener that is closed under it
        assert set(pids(server, 20)) == {other}
        write(file)
        os.kill(server.pid, signal.SIGHUP)
        successor = int(server.wait_for(r"worker 1 serves \(process (\d+)\)", LIMIT)[1])
        until(lambda: successor in pids(server, 4))
        os.kill(server.pid, signal.SIGTERM)  # and again: it need not drain
    assert server.output.count("is missing") == 1


def test_ctrl_c_while_workers_begin_ends_all_without_a_word(file: Path) -> None:
    with working(file, is_ready=False) as server:
        until(lambda: sum("/msgspec/" in Path(f"/proc/{child}/maps").read_text() for child in server.children()) == 2)
        for process in (*server.children(), server.pid):  # as in a terminal
            os.kill(process, signal.SIGINT)
        assert server.stop(signal.SIGINT) == 0
    assert server.output == ""
