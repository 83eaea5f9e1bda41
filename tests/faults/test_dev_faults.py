"""`mserve dev` in every order of edits, failures and ends."""

import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from server.developing import LIMIT, SERVING, DevProcess, ask, developing, edit, open_hanging, program, text_of
from server.raw import asking, connect


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (file := tmp_path / "hello.py").write_text(program("v0"))
    return file


def test_what_a_program_imports_counts_and_so_does_a_folder_that_comes_later(file: Path, tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "words.py").write_text("WORD = 'v1'\n")
    file.write_text("from parts.words import WORD\n\ndef serve(prompt):\n    return WORD\n")
    with developing(str(file)) as server:
        for number in range(2, 5):  # of one length, within the same second: compiled code that is old looks current
            (tmp_path / "parts" / "words.py").write_text(f"WORD = 'v{number}'\n")
            server.wait_for_times(SERVING, number)
            server.wait_for_children(1)
            assert ask(server) == f"v{number}"
        (tmp_path / "notes.txt").write_text("no code")
        (tmp_path / "later").mkdir()
        server.wait_for_times(SERVING, 5)
        (tmp_path / "later" / "more.py").write_text("WORD = 'more'\n")
        server.wait_for_times("Edited more.py", 1)
        server.wait_for_times(SERVING, 6)
        assert "notes" not in server.output


def test_an_edit_overtakes_the_one_before_that_is_not_ready_yet(file: Path) -> None:
    with developing(str(file)) as server:
        slow = program("v1").replace(
            "    yield\n", "    print('opening', flush=True)\n    await asyncio.sleep(60)\n    yield\n", 1
        )
        edit(file, slow)
        server.wait_for("opening", LIMIT)
        assert {ask(server) for _ in range(50)} == {"v0"}
        edit(file, "import time\nprint('loading', flush=True)\ntime.sleep(60)\n")
        server.wait_for("loading", LIMIT)
        assert ask(server) == "v0"
        edit(file, program("v2"))
        server.wait_for_times(SERVING, 2)
        server.wait_for_children(1)
        assert ask(server) == "v2"


def test_the_version_before_gets_all_the_time_that_its_streams_need_and_little_to_close(file: Path) -> None:
    file.write_text(program("v0").replace('    print("left', '    await asyncio.sleep(3600)\n    print("left'))
    flags = ("--shutdown-timeout", "0", "--close-timeout", "1")
    with developing(str(file), *flags) as server, ThreadPoolExecutor() as pool:
        stream = pool.submit(open_stream, server)
        time.sleep(0.5)
        edit(file, program("v1"))
        server.wait_for_times(SERVING, 2)
        assert text_of(stream.result(LIMIT)) == "v0 " * 6
        server.wait_for_children(1)
        assert "does not end: the process does (mserve lifespans)" in server.output
        assert ask(server) == "v1"


def test_a_run_that_goes_on_without_its_client_ends_before_its_version_does(file: Path) -> None:
    finishing = (
        "import asyncio\nasync def serve():\n    print('begun', flush=True)\n    try:\n        await asyncio.sleep(4)\n"
        "        print('whole', flush=True)\n"
        "    except asyncio.CancelledError:\n        print('cancelled', flush=True)\n        raise\n    return 'a'\n"
    )
    file.write_text(finishing)
    with developing(str(file), "--on-disconnect", "finish", "--shutdown-timeout", "1") as server:
        with connect(server) as client:
            client.sendall(asking("x"))
            server.wait_for("begun", LIMIT)
        edit(file, program("v1"))
        server.wait_for_times(SERVING, 2)
        server.wait_for("whole|cancelled", LIMIT)
        server.wait_for_children(1)
        assert "cancelled" not in server.output


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_of_it(file: Path, how: signal.Signals) -> None:
    with developing(str(file), "--shutdown-timeout", "1") as server, ThreadPoolExecutor() as pool:
        old = pool.submit(open_hanging, server)
        server.wait_for("open", LIMIT)
        edit(file, program("v1"))
        server.wait_for_times(SERVING, 2)
        server.wait_for("ending: open requests get their time", LIMIT)
        started = time.monotonic()
        assert server.stop(how) == 0
        assert time.monotonic() - started < 5
        assert old.result(LIMIT).endswith("data: [DONE]\n\n")
    assert "left v0" in server.output
    assert "left v1" in server.output
    assert "Traceback" not in server.output


@pytest.mark.parametrize("held", ["time.sleep(60)", "await asyncio.to_thread(time.sleep, 60)"])
def test_what_a_program_holds_does_not_hold_the_end(file: Path, held: str) -> None:
    file.write_text(
        f"import asyncio\nimport time\nasync def serve():\n    print('open', flush=True)\n    {held}\n    yield\n"
    )
    with developing(str(file), "--shutdown-timeout", "0", "--close-timeout", "1") as server, connect(server) as client:
        client.sendall(asking("x"))
        server.wait_for("open", LIMIT)
        started = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - started < 5


def test_ctrl_c_in_a_terminal_reaches_all_processes_and_ends_them_in_order(file: Path) -> None:
    with developing(str(file), "--shutdown-timeout", "1") as server, ThreadPoolExecutor() as pool:
        waiting = pool.submit(open_hanging, server)
        server.wait_for("open", LIMIT)
        for process in server.children():
            os.kill(process, signal.SIGINT)
        assert server.stop(signal.SIGINT) == 0
        assert '"code":"cancelled"' in waiting.result(LIMIT)
    assert "left v0" in server.output


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("reaches_all", [True, False])
def test_a_signal_while_a_version_loads_blames_nobody(file: Path, how: signal.Signals, reaches_all: bool) -> None:
    file.write_text("import time\nprint('loading', flush=True)\ntime.sleep(60)\n")
    with developing(str(file), is_ready=False) as server:
        server.wait_for("loading", LIMIT)
        for process in (server.pid, *server.children()) if reaches_all else ():  # as Ctrl-C in a terminal does
            os.kill(process, how)
        assert server.stop(how) == 0
    assert server.output == "loading\n"


def test_a_unix_socket_is_served_and_removed(file: Path, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with developing(str(file), "--uds", str(path)) as server:
        transport = httpx.HTTPTransport(uds=str(path))
        with httpx.Client(transport=transport, base_url="http://localhost") as client:
            assert client.get("/health/ready").status_code == 200
            edit(file, program("v1"))
            server.wait_for_times(SERVING, 2)
            server.wait_for_children(1)
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://localhost") as client:
            assert client.get("/health/ready").status_code == 200
    assert not path.exists()


def test_a_broken_edit_is_told_and_changes_nothing(file: Path) -> None:
    with developing(str(file)) as server:
        edit(file, program("v1") + "\n1 / 0\n")
        told = server.wait_for(r"mserve: (.*)", LIMIT)[1]
        assert told == f"{file}, line 22: ZeroDivisionError: division by zero  (the version before goes on)"
        assert ask(server) == "v0"
        edit(file, "import os\nos._exit(7)\n")
        server.wait_for("the program ended its process while it was loaded, with exit code 7", LIMIT)
        edit(file, program("v1").replace("    yield\n", "    raise ValueError('no database')\n    yield\n", 1))
        server.wait_for("failed: ValueError: no database", LIMIT)
        assert ask(server) == "v0"
        edit(file, program("v1"))
        server.wait_for_times(SERVING, 2)
        server.wait_for_children(1)
        assert ask(server) == "v1"


def test_a_first_version_that_is_broken_waits_for_an_edit(file: Path) -> None:
    file.write_text("def serve(:\n")
    with developing(str(file), is_ready=False) as server:
        server.wait_for(r"syntax error.*\(waiting for an edit\)", LIMIT)
        edit(file, program("v1"))
        server.wait_until_ready()
        assert ask(server) == "v1"


def test_a_server_that_dies_is_told_and_an_edit_brings_it_back(file: Path) -> None:
    with developing(str(file)) as server:
        (child,) = server.children()
        os.kill(child, signal.SIGKILL)
        server.wait_for("the server ended with exit code -9: waiting for an edit", LIMIT)
        edit(file, program("v1"))
        server.wait_for_times(SERVING, 2)
        assert ask(server) == "v1"


def test_the_port_stays_through_edits_and_is_free_afterwards(file: Path) -> None:
    with developing(str(file), "--port", "0") as server:
        port = int(server.base_url.split(":")[2].split("/")[0])
        edit(file, program("v1"))
        server.wait_for_times(SERVING, 2)
        assert server.output.count(server.base_url) == 2
    with socket.create_server(("127.0.0.1", port)):
        pass


def keep_asking(server: DevProcess, client: httpx.Client | None, answers: list[str], stop: threading.Event) -> None:
    while not stop.is_set():
        answers.append(ask(server, client=client))
        time.sleep(0.01)


def open_stream(server: DevProcess) -> str:
    body = {"stream": True, "messages": [{"role": "user", "content": "stream"}]}
    return httpx.post(f"{server.base_url}/chat/completions", json=body, timeout=LIMIT).text


def test_no_request_is_lost_through_five_edits_and_a_stream_ends_whole(file: Path) -> None:
    stop = threading.Event()
    answers: list[list[str]] = [[], []]
    versions = ["v1", "v2", None, "v4", "v5"]
    with developing(str(file), "--no-access-log") as server, httpx.Client() as client, ThreadPoolExecutor() as pool:
        asking = [
            pool.submit(keep_asking, server, one, found, stop)
            for one, found in zip((None, client), answers, strict=True)
        ]
        stream = pool.submit(open_stream, server)
        try:
            time.sleep(0.3)
            served = 1
            for version in versions:
                edit(file, "def serve(:\n" if version is None else program(version))
                if version is None:
                    server.wait_for("syntax error", LIMIT)
                else:
                    server.wait_for_times(SERVING, served := served + 1)
                    until = time.monotonic() + 2  # the one before may still take some
                    while ask(server) != version:
                        assert time.monotonic() < until
                time.sleep(0.3)
        finally:
            stop.set()
        for asked in asking:
            asked.result(LIMIT)
        assert text_of(stream.result(LIMIT)) == "v0 " * 6
        server.wait_for_children(1)
        for found in answers:
            assert list(dict.fromkeys(found)) == ["v0", "v1", "v2", "v4", "v5"]
        assert server.stop() == 0
    assert [server.output.count(f"left v{number}") for number in (0, 1, 2, 4, 5)] == [1] * 5
    assert "Traceback" not in server.output


def test_what_does_not_listen_to_the_second_signal_is_killed(file: Path) -> None:
    deaf = "import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nos._exit = lambda code: None\n"
    file.write_text(f"{deaf}print('loading', flush=True)\ntime.sleep(60)\n")
    with developing(str(file), is_ready=False) as server:
        server.wait_for("loading", LIMIT)
        os.kill(server.pid, signal.SIGTERM)
        time.sleep(0.3)
        started = time.monotonic()
        assert server.stop(signal.SIGTERM) == 0
        assert 4 < time.monotonic() - started < 8


def test_processes_end_when_their_supervisor_is_killed(file: Path) -> None:
    with developing(str(file)) as server:
        children = server.children()
        server.stop(signal.SIGKILL)
        until = time.monotonic() + LIMIT
        while any(Path(f"/proc/{child}").exists() for child in children):
            assert time.monotonic() < until
            time.sleep(0.05)
    assert "left v0" in server.output


def test_imports_are_those_of_mserve_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "surprise.py").write_text("")
    (tmp_path / "hello.py").write_text("import surprise\n\ndef serve(prompt):\n    return prompt\n")
    monkeypatch.chdir(tmp_path / "here")
    with developing("../hello.py", is_ready=False) as server:
        server.wait_for("'surprise' is not installed here", LIMIT)
