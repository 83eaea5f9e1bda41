"""A real PostgreSQL of the tests' own, on a private socket: Debian's package `postgresql` has what it takes."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

_START_LIMIT = 30.0


class Postgres:
    """One server, without TCP and without care for its disk. Its one database is emptied for each test."""

    def __init__(self) -> None:
        # Not pytest's folder: root alone may enter that, and PostgreSQL refuses to run as root.
        self.folder = Path(tempfile.mkdtemp(prefix="mserve-pg-"))
        self._bin = _binaries()
        self._as = _unprivileged()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        if self._as:
            shutil.chown(self.folder, "postgres")
        init: list[str | Path] = [
            self._bin / "initdb",
            "-D",
            self.folder / "data",
            "-U",
            "postgres",
            "-A",
            "trust",
            "-N",
            "-E",
            "UTF8",
        ]
        subprocess.run([*self._as, *init, "--locale=C"], check=True, capture_output=True, cwd="/")
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def start(self) -> None:
        """Start it, where it does not run, and wait until it answers."""
        if self._process is not None:
            return
        options = ["-k", str(self.folder), "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=50"]
        with (self.folder / "log").open("ab") as log:
            command = [*self._as, str(self._bin / "postgres"), "-D", str(self.folder / "data"), *options]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/")
        until = time.monotonic() + _START_LIMIT
        while subprocess.run([self._bin / "pg_isready", "-q", "-h", self.folder], check=False).returncode:
            assert time.monotonic() < until, (self.folder / "log").read_text()
            assert self._process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop it at once, in the middle of whatever it does; what was committed stays."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(_START_LIMIT)
            self._process = None

    def empty(self) -> str:
        """Forget all that is there, start it where it does not run, and give the address of what is left."""
        self.start()
        sql = "SET client_min_messages = error; DROP SCHEMA public CASCADE; CREATE SCHEMA public"
        subprocess.run([self._bin / "psql", "-q", "-h", self.folder, "-U", "postgres", "-c", sql], check=True, cwd="/")
        return f"postgresql://postgres@/postgres?host={self.folder}"


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    if found:
        return found[-1]
    initdb = shutil.which("initdb")
    assert initdb is not None, "these tests need PostgreSQL: apt-get install postgresql"
    return Path(initdb).parent


def _unprivileged() -> list[str]:
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
