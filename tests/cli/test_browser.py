"""The page in the user's browser: opened once, where there is one with windows, and never in the terminal."""

import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mserve.cli.browser import can_open
from server.developing import LIMIT, SERVING, developing, edit

ECHO = "def serve(prompt):\n    return prompt\n"


@pytest.mark.parametrize(
    ("environment", "platform", "is_terminal", "opens"),
    [
        ({"DISPLAY": ":0"}, "linux", True, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True, True),
        ({}, "darwin", True, True),
        ({}, "win32", True, True),
        ({}, "linux", True, False),
        ({"DISPLAY": ""}, "linux", True, False),
        ({"BROWSER": "lynx"}, "linux", True, False),
        ({"DISPLAY": ":0"}, "linux", False, False),
        ({}, "darwin", False, False),
        ({"DISPLAY": "localhost:10.0", "SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}, "linux", True, False),
        ({"DISPLAY": ":99", "CI": "true"}, "linux", True, False),
    ],
)
def test_a_page_is_opened_by_itself_only_where_somebody_sees_windows(
    environment: dict[str, str], platform: str, is_terminal: bool, opens: bool
) -> None:
    assert can_open(environment, platform, is_terminal=is_terminal) is opens


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the browser of this machine was asked to open, a line each, and whether it had a terminal."""
    told = tmp_path / "opened"
    script = f"""
import os, sys
try:
    terminal = os.open("/dev/tty", os.O_RDWR) >= 0
except OSError:
    terminal = False
with open({str(told)!r}, "a") as file:
    print(sys.argv[1], terminal, sys.stdin.read() == "", file=file)
"""
    (browser := tmp_path / "browser.py").write_text(script)
    monkeypatch.setenv("BROWSER", f"{sys.executable} {browser} %s")
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    return told


def test_the_page_is_opened_at_the_first_version_that_works_and_not_again(
    opened: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "webbrowser.py").write_text("raise SystemExit('not the one that is meant')")
    (file := tmp_path / "hello.py").write_text("def serve(:\n")
    with developing(str(file), "--open", is_ready=False) as server:
        server.wait_for("waiting for an edit", LIMIT)
        assert not opened.exists()
        edit(file, ECHO)
        server.wait_until_ready()
        page = server.base_url.removesuffix("v1")
        wait_for(opened)
        edit(file, f"{ECHO}\n")
        server.wait_for_times(SERVING, 2)
        assert server.stop() == 0
    assert opened.read_text().splitlines() == [f"{page} False True"]
    assert re.findall("See it at (.*)", server.output) == [page]


def wait_for(opened: Path) -> None:
    until = time.monotonic() + LIMIT
    while not (opened.exists() and opened.read_text().endswith("\n")):
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_terminal_with_windows_around_it_stays_the_servers_own(
    opened: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("TERM", "dumb")
    for name in ("CI", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    (file := tmp_path / "hello.py").write_text(ECHO)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", IN_A_TERMINAL, "dev", str(file), "--port", "0"]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    try:
        wait_for(opened)
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT) == 0
        output = os.read(ours, 65536).decode()
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)
    (page,) = re.findall(r"See it at (\S+)", output)
    assert opened.read_text().split() == [page, "False", "True"]


IN_A_TERMINAL = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
open("/dev/tty").close()
from mserve.__main__ import main
main()
"""


@pytest.mark.parametrize("flags", [("--no-open",), (), ("--open", "--no-playground"), ("--open", "--uds", "socket")])
def test_nothing_is_opened_where_nobody_looks_or_nothing_is_there(
    flags: tuple[str, ...], opened: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISPLAY", ":0")  # and yet its output is no terminal
    (file := tmp_path / "hello.py").write_text(ECHO)
    asked = opened.with_name("asked")
    # In the same order as the real one would be: what is opened later than this was not opened at all.
    with developing(str(file), *flags) as server:
        edit(file, f"{ECHO}\n")
        server.wait_for_times(SERVING, 2)
        os.system(f"{sys.executable} -m webbrowser {asked} > /dev/null < /dev/null")
        assert server.stop() == 0
    assert [line.split()[0] for line in opened.read_text().splitlines()] == [str(asked)]
    assert ("See it at" in server.output) is ("--no-playground" not in flags and "--uds" not in flags)
