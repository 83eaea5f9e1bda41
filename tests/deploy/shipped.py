"""What is the same for every way to run a server: its command line runs here, and its numbers fit the server's."""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

import httpx

from deploy.proxies import tool
from mserve.server.config import Settings
from mserve.web.keys import line_of

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
KEY = "open-sesame"
NAMES = {field.name for field in fields(Settings)}
DRAIN_DELAY = 5.0
"""What the image has."""
LONGEST_END = DRAIN_DELAY + Settings().shutdown_timeout + Settings().close_timeout
"""Seconds from SIGTERM to the end, where programs and lifespans take all the time that they get to close."""
MOST_FILES = 2 * Settings().limit_connections + 256


def assert_options_exist(arguments: Sequence[str], variables: Mapping[str, str]) -> None:
    """Each flag and each variable of ours is an option that there is."""
    said = [argument.removeprefix("--") for argument in arguments if argument.startswith("--")]
    said += [name.removeprefix("MSERVE_").lower() for name in variables if name.startswith("MSERVE_")]
    assert said
    assert {name.replace("-", "_").removeprefix("no_") for name in said} <= NAMES


@contextmanager
def running(
    arguments: Sequence[str], variables: Mapping[str, str], folder: Path, port: int
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command line as it ships, in a folder, until the end; its output is a file there."""
    command = [tool(Path(arguments[0]).name), *arguments[1:]]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, env=os.environ | variables, stdout=output, stderr=output)
    try:
        until = time.monotonic() + 30
        while not is_live(port):
            assert process.poll() is None, (folder / "output").read_text()
            assert time.monotonic() < until, (folder / "output").read_text()
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()


def is_live(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health/live").status_code == 200
    except httpx.TransportError:
        return False


def ended(arguments: Sequence[str], variables: Mapping[str, str], folder: Path) -> tuple[int, str]:
    """Run a command line that should end by itself: its exit code, and what it said."""
    done = subprocess.run(
        [tool(Path(arguments[0]).name), *arguments[1:]], cwd=folder, env=os.environ | variables,
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def said(port: int, key: str = KEY) -> httpx.Response:
    """Ask a server."""
    return httpx.post(
        f"http://127.0.0.1:{port}/v1/chat/completions",
        json={"messages": [{"role": "user", "content": "hi"}]},
        headers={"Authorization": f"Bearer {key}"},
    )


def write_keys(file: Path) -> None:
    """Let in who shows the key."""
    file.write_text(f"{line_of('alice', KEY)}\n")
