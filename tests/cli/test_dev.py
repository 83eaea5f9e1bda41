"""`mserve dev`: what its terminal shows, and what it refuses."""

import re
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from server.developing import LIMIT, ask, developing, edit, program

ECHO = "def serve(prompt):\n    return prompt\n"


def refusal(*arguments: str, code: int = 3) -> str:
    """The one line of a server that cannot start."""
    command = [sys.executable, "-m", "mserve", "dev", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert (done.returncode, done.stdout) == (code, ""), done
    assert done.stderr.count("\n") == 1, done.stderr
    line = done.stderr.strip()
    assert line.startswith("mserve: ")
    return line


def test_a_program_that_no_edit_can_mend_is_refused(tmp_path: Path) -> None:
    assert "there is no such file" in refusal(str(tmp_path / "none.py"), "--port", "0")
    assert "name a Python file that has a serve() function" in refusal("--port", "0")


def test_options_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    (file := tmp_path / "hello.py").write_text(ECHO)
    assert "--ping-interval is a number from 0.1" in refusal(str(file), "--ping-interval", "0")
    assert "--drain-delay is a number from 0" in refusal(str(file), "--drain-delay", "-1")
    assert "--no-such-option" in refusal(str(file), "--no-such-option", code=2)


def test_what_no_edit_can_mend_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (file := tmp_path / "hello.py").write_text(ECHO)
    missing = str(tmp_path / "none")
    for flag in ("--api-key-file", "--ssl-certfile"):
        assert f"{missing} cannot be read: No such file or directory" in refusal(
            str(file), flag, missing, "--port", "0"
        )
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "pigeon")
    assert "OpenTelemetry cannot be set up as the OTEL_ variables say" in refusal(str(file), "--port", "0")


def test_a_port_in_use_is_refused(tmp_path: Path) -> None:
    (file := tmp_path / "hello.py").write_text(ECHO)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} on 127.0.0.1 is in use" in refusal(str(file), "--port", str(port))


def test_keys_count_and_are_not_left_in_the_environment(tmp_path: Path) -> None:
    (file := tmp_path / "hello.py").write_text("import os\nprint('environment', *os.environ, flush=True)\n" + ECHO)
    with developing(str(file), env={"MSERVE_API_KEY": "sesame"}) as server:
        edit(file, file.read_text())
        server.wait_for(r"(?s)Serving.*Serving", LIMIT)
        models = f"{server.base_url}/models"
        assert [httpx.get(models, headers={"x-api-key": key}).status_code for key in ("sesame", "x")] == [200, 401]
    assert server.output.count("environment ") == server.output.count("PYTHONDONTWRITEBYTECODE") == 2
    assert "MSERVE_API_KEY" not in server.output


def test_the_terminal_shows_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.mserve]\nname = ["[one]", "two"]\n')
    (tmp_path / "other.py").write_text(ECHO)
    (file := tmp_path / "hello.py").write_text(ECHO)
    monkeypatch.chdir(tmp_path)
    with developing("hello.py", "other:serve") as server:
        edit(file, "1 / 0\n")
        server.wait_for("the version before goes on", LIMIT)
        for number in range(5):
            (tmp_path / f"part{number}.py").write_text("")
        edit(file, ECHO)
        server.wait_for(r"(?s)Serving.*Serving", LIMIT)
    lines = re.sub(r":\d+/", ":0/", server.output).splitlines()
    serving = "Serving [one], two at http://127.0.0.1:0/v1  (Ctrl-C stops)"
    assert lines[0] == lines[-1] == serving
    assert lines[1] == "See it at http://127.0.0.1:0/"
    assert lines[2] == "Edited hello.py"
    assert lines[3] == f"mserve: {file}, line 1: ZeroDivisionError: division by zero  (the version before goes on)"
    assert any(line.startswith("Edited ") and line.endswith(", …") for line in lines[4:-1]), lines


def test_a_lifespan_that_fails_at_the_end_of_a_version_is_told(tmp_path: Path) -> None:
    (file := tmp_path / "hello.py").write_text(
        program("v0").replace('    print("left', '    raise ValueError("the pool is gone")\n    print("left')
    )
    with developing(str(file)) as server:
        edit(file, program("v1"))
        server.wait_for("(?m)^mserve: a lifespan failed while it was closed: ValueError: the pool is gone$", LIMIT)
        assert ask(server) == "v1"
        assert server.stop() == 0
    assert "goes on" not in server.output


def test_a_lifespan_that_fails_at_the_end_of_it_all_is_told_by_the_exit_code_too(tmp_path: Path) -> None:
    (file := tmp_path / "hello.py").write_text(
        program("v0").replace('    print("left', '    raise ValueError("gone")\n    print("')
    )
    with developing(str(file)) as server:
        assert server.stop() == 1
    assert "mserve: a lifespan failed while it was closed: ValueError: gone" in server.output
