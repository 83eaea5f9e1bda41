"""Somebody who follows a document: runs its code blocks in order, as a reader would; a block of an unknown kind fails.

A block with a title is a file; other `python` is a script; `bash` is a line of commands each, of which `mserve run`,
`mserve dev`, `mserve demo` and `uvicorn` serve until the next one; the lines of `text` stand in the last output. A file
that is written while `mserve dev` serves is an edit, and served before the next block. What needs another program than
these is left to tests/deploy, or shown alone (`console`).
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
SERVERS = ("mserve run", "mserve dev", "mserve demo", "uvicorn")
ELSEWHERE = {"nginx", "caddy", "dockerfile", "console"}
LIMIT = 60.0


class Reader:
    """One document's reader, in a folder of their own and with a port of their own for 8000.

    `python` runs their scripts; `env` is added to their environment. `~` in a title is the folder `home`, which
    is their home where `env` says so; what is installed in `node_modules` is on their path.
    """

    def __init__(self, folder: Path, python: Path = Path(sys.executable), env: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._python = python
        self._home = str(folder / "home")
        (folder / "examples").symlink_to(ROOT / "examples")
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self._port = str(listener.getsockname()[1])
        folders = [str(folder / "node_modules" / ".bin"), str(python.parent), str(Path(sys.executable).parent)]
        self._environment = os.environ | {
            "PATH": os.pathsep.join([*folders, os.environ["PATH"]]),
            "MSERVE_STORE": f"sqlite:///{folder}/kept.db",  # nothing of this may get among a user's data
            "OPENAI_BASE_URL": f"http://127.0.0.1:{self._port}/v1",  # for the examples' clients
            **(env or {}),
        }
        self._server: subprocess.Popen[str] | None = None
        self._edits = False
        self._output = ""

    def follow(self, kind: str, title: str | None, text: str) -> None:
        text = text.replace("8000", self._port)
        match kind, title:
            case (("python" | "toml" | "js" | "json"), str()):
                self._write(kind, title, text)
            case "python", None:
                self._script(text)
            case "bash", None:
                for command in re.split(r"(?<!\\)\n", text.strip()):
                    self._command(command.partition("   #")[0])
            case "json", None:
                json.loads(text)
            case "text", None:
                for line in text.strip().splitlines():
                    assert line in self._output, f"{line!r} is not in:\n{self._output}"
            case _:
                assert kind in ELSEWHERE, f"nobody runs a block of {kind!r}"

    def stop(self) -> None:
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            self._server.communicate(timeout=LIMIT)
            self._server = None

    def _write(self, kind: str, title: str, text: str) -> None:
        if kind == "python":
            compile(text, title, "exec")
        elif kind == "toml":
            tomllib.loads(text)
        elif kind == "json":
            json.loads(text)
        before = self._serving() if self._edits else []
        file = self._folder / title.replace("~", self._home, 1)
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        if before and title.endswith(".py"):
            self._wait_for_another(before)

    def _script(self, text: str) -> None:
        (self._folder / ".script.py").write_text(text)  # hidden: it is no edit of the program
        if "mserve.run(" in text:
            self._serve(f"{sys.executable} .script.py")
        else:
            self._output = self._run(f"{self._python} .script.py", self._folder)

    def _command(self, command: str) -> None:
        if command.startswith("make "):
            self._run(command.replace("make ", "make -n ", 1), ROOT)
        elif command.startswith(". "):
            assert "VENV := .venv\n" in (ROOT / "Makefile").read_text()
        elif command.startswith(SERVERS):
            own_port = "" if "--port" in command else f" --port {self._port}"
            self._serve(command + own_port)
        else:
            self._output = self._run(command, self._folder)

    def _run(self, command: str, folder: Path) -> str:
        done = subprocess.run(
            ["bash", "-ec", command],
            cwd=folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _serve(self, command: str) -> None:
        self.stop()
        self._edits = command.startswith("mserve dev")
        self._server = subprocess.Popen(
            ["bash", "-c", f"exec {command}"], cwd=self._folder, env=self._environment, text=True
        )
        until = time.monotonic() + LIMIT
        while not self._answers():
            assert self._server.poll() is None, f"{command} ended"
            assert time.monotonic() < until, f"{command} never answered"
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", int(self._port))).close()
        except OSError:
            return False
        return True

    def _serving(self) -> list[str]:
        """Give the processes of `mserve dev`: one that serves, and others that are about to, or about to end."""
        assert self._server is not None
        found = subprocess.run(["pgrep", "-P", str(self._server.pid)], capture_output=True, text=True, check=False)
        return found.stdout.split()

    def _wait_for_another(self, before: list[str]) -> None:
        until = time.monotonic() + LIMIT
        while len(now := self._serving()) != 1 or now[0] in before:
            assert time.monotonic() < until, "the edit was never served"
            time.sleep(0.05)


def blocks(document: Path) -> Iterator[tuple[str, str | None, str]]:
    """Give the code blocks of a document: kind, title, text."""
    for token in MarkdownIt().parse(document.read_text()):
        if token.type == "fence":
            kind, _, rest = token.info.partition(" ")
            title = re.fullmatch(r'title="(.+)"', rest)
            yield kind, title[1] if title else None, token.content
