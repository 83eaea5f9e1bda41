"""Runs every code block of the README and the docs, in order, as a reader would; a block of an unknown kind fails.

`python` and `toml` with a title are files; other `python` is a script; `bash` is a line of commands each, of which
`mserve run`, `mserve dev`, `mserve demo` and `uvicorn` serve until the next one; the lines of `text` stand in the last
output. What needs another program than these is left to tests/deploy.
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
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "examples" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SERVERS = ("mserve run", "mserve dev", "mserve demo", "uvicorn")
ELSEWHERE = {"nginx", "caddy", "dockerfile", "console"}
LIMIT = 60.0


class Reader:
    """Somebody who follows one document, in a folder of their own and with a port of their own for 8000."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "examples").symlink_to(ROOT / "examples")
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self._port = str(listener.getsockname()[1])
        bin_folder = str(Path(sys.executable).parent)
        self._environment = os.environ | {
            "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
            "MSERVE_STORE": f"sqlite:///{folder}/kept.db",  # nothing of this may get among a user's data
            "OPENAI_BASE_URL": f"http://127.0.0.1:{self._port}/v1",  # for the examples' clients
        }
        self._server: subprocess.Popen[str] | None = None
        self._output = ""

    def follow(self, kind: str, title: str | None, text: str) -> None:
        text = text.replace("8000", self._port)
        match kind, title:
            case "python" | "toml", str():
                compile(text, title, "exec") if kind == "python" else tomllib.loads(text)
                (self._folder / title).write_text(text)
            case "python", None:
                self._script(text)
            case "bash", None:
                for command in re.split(r"(?<!\\)\n", text.strip()):
                    self._command(command.partition("   #")[0])
            case "json", None:
                json.loads(text)
            case "text", None:
                for line in text.strip().splitlines():
                    assert line in self._output
            case _:
                assert kind in ELSEWHERE, f"nobody runs a block of {kind!r}"

    def stop(self) -> None:
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            self._server.communicate(timeout=LIMIT)
            self._server = None

    def _script(self, text: str) -> None:
        (self._folder / "script.py").write_text(text)
        if "mserve.run(" in text:
            self._serve(f"{sys.executable} script.py")
        else:
            self._output = self._run(f"{sys.executable} script.py", self._folder)

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
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _serve(self, command: str) -> None:
        self.stop()
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


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path)
    yield reader
    reader.stop()


def blocks(document: Path) -> Iterator[tuple[str, str | None, str]]:
    for token in MarkdownIt().parse(document.read_text()):
        if token.type == "fence":
            kind, _, rest = token.info.partition(" ")
            title = re.fullmatch(r'title="(.+)"', rest)
            yield kind, title[1] if title else None, token.content


@pytest.mark.timeout(300)
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_block_of_a_document_runs(document: Path, reader: Reader) -> None:
    for kind, title, text in blocks(document):
        reader.follow(kind, title, text)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_file_leads_to_one(document: Path) -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", document.read_text()):
        assert (document.parent / target).exists(), target
