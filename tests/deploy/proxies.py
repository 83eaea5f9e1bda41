"""Real proxies by the configurations that ship: addresses and places alone are replaced, by lines that one can see."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from processes import ServerProcess
from server.ending import free_port

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
NOBODY = 65534
LIMIT = 20.0


class Proxy(NamedTuple):
    """A proxy that answers at `url`, and its folder, where it writes what it writes."""

    url: str
    folder: Path

    @property
    def base_url(self) -> str:
        """What an SDK is told."""
        return f"{self.url}/v1"


def tool(name: str) -> str:
    """Find a program of another project. Without it there is nothing to test: that is a failure."""
    places = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}{os.pathsep}/usr/sbin"
    found = shutil.which(name, path=places)
    assert found is not None, f"{name} is not installed, and these tests need it: see .ci/run for the packages"
    return found


def with_changes(text: str, changes: Mapping[str, str]) -> str:
    """Replace parts of a configuration, each of which has to be there."""
    for old, new in changes.items():
        assert old in text, f"{old!r} is not in the file that ships any more"
        text = text.replace(old, new)
    return text


@contextmanager
def nginx(server: ServerProcess, changes: Mapping[str, str] | None = None, text: str | None = None) -> Iterator[Proxy]:
    """Run nginx by deploy/nginx.conf, or by another text of one, before a server."""
    with _folder() as folder:
        port = free_port()
        here = {
            "server mserve:8000 resolve;": f"server {_address(server)};",
            "listen 8080;": f"listen 127.0.0.1:{port};",
            "/tmp/": f"{folder}/",
            "/dev/stdout": f"{folder}/access.log",
        }
        shipped = (DEPLOY / "nginx.conf").read_text() if text is None else text
        (folder / "nginx.conf").write_text(with_changes(with_changes(shipped, changes or {}), here))
        command = [tool("nginx"), "-p", str(folder), "-e", "stderr", "-c", "nginx.conf", "-g", "daemon off;"]
        with _running(command, folder, port):
            yield Proxy(f"http://127.0.0.1:{port}", folder)


@contextmanager
def caddy(server: ServerProcess, changes: Mapping[str, str] | None = None, text: str | None = None) -> Iterator[Proxy]:
    """Run Caddy by deploy/Caddyfile, or by another text of one, before a server."""
    with _folder() as folder:
        port = free_port()
        here = {"127.0.0.1:8000": _address(server), ":8080 {": f"http://127.0.0.1:{port} {{"}
        shipped = (DEPLOY / "Caddyfile").read_text() if text is None else text
        (folder / "Caddyfile").write_text(with_changes(with_changes(shipped, changes or {}), here))
        with _running([tool("caddy"), "run", "--config", "Caddyfile", "--adapter", "caddyfile"], folder, port):
            yield Proxy(f"http://127.0.0.1:{port}", folder)


def _address(server: ServerProcess) -> str:
    return urlsplit(server.base_url).netloc


@contextmanager
def _folder() -> Iterator[Path]:
    """Give a folder that an ordinary user can reach and write to: pytest's own is its owner's alone."""
    with tempfile.TemporaryDirectory(prefix="mserve-proxy-", ignore_cleanup_errors=True) as name:
        (folder := Path(name)).chmod(0o777)
        yield folder


@contextmanager
def _running(command: list[str], folder: Path, port: int) -> Iterator[None]:
    """Run a proxy as an ordinary user until the end, and see that it ends by itself when it is told to."""
    home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    who = NOBODY if os.geteuid() == 0 else None
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=os.environ | home, stdout=output, stderr=output, user=who, group=who,
            extra_groups=None if who is None else [],
        )  # fmt: skip
    try:
        until = time.monotonic() + LIMIT
        while not _answers(port):
            assert process.poll() is None, (folder / "output").read_text()
            assert time.monotonic() < until, (folder / "output").read_text()
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        try:
            process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
    assert process.returncode == 0, (folder / "output").read_text()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
