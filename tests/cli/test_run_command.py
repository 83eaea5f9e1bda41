import os
import re
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from processes import Serve

LIMIT = 30
ECHO = "def serve(prompt):\n    return prompt\n"
NAMED = "def serve(prompt):\n    return {name!r}\n"
BROKEN = {
    "a syntax error": ("\ndef serve(prompt:\n    pass\n", "line 2: syntax error: '(' was never closed"),
    "an exception at import": ("\n\n1 / 0\n", "line 3: ZeroDivisionError: division by zero"),
    "a missing package": (
        "import no_such_package.part\n",
        "line 1: 'no_such_package' is not installed here; try: pip install no_such_package",
    ),
    "no serve()": ("def server(prompt):\n    pass\n", "there is no serve() in it; it has server."),
    "a parameter that nothing fills": ("def serve(promt):\n    pass\n", "promt"),
}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mserve", "run", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)


def refusal(*arguments: str) -> str:
    """The one line that a server says which cannot start."""
    done = run(*arguments)
    assert done.returncode == 3, done
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("mserve: ")
    return line


def say(base_url: str, text: str, model: str = "any") -> str:
    reply = httpx.post(
        f"{base_url}/chat/completions", json={"model": model, "messages": [{"role": "user", "content": text}]}
    )
    content: str = reply.json()["choices"][0]["message"]["content"]
    return content


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_program_is_refused_on_one_line_with_its_place(kind: str, tmp_path: Path) -> None:
    source, reason = BROKEN[kind]
    program = tmp_path / "program.py"
    program.write_text(source)
    line = refusal(str(program))
    assert str(program) in line
    assert reason in line


def test_no_program_is_refused_with_what_to_name() -> None:
    assert "name a Python file that has a serve() function" in refusal()


def test_a_port_in_use_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (program := tmp_path / "program.py").write_text(ECHO)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refusal(str(program), "--port", str(port))
    assert f"port {port} on 127.0.0.1 is in use: choose another with --port" in line


def test_a_lifespan_that_fails_is_refused_with_its_reason(tmp_path: Path) -> None:
    (program := tmp_path / "program.py").write_text(
        "from contextlib import asynccontextmanager\n\n"
        "@asynccontextmanager\nasync def lifespan():\n    raise ConnectionError('no [bold]database')\n    yield\n\n"
        + ECHO
    )
    line = refusal(str(program), "--port", "0")
    assert line.endswith("failed: ConnectionError: no [bold]database")


def test_a_number_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    (program := tmp_path / "program.py").write_text(ECHO)
    assert "--ping-interval is a number from 0.1 to 86400, not 0.0" in refusal(str(program), "--ping-interval", "0")


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_without_a_word_and_without_an_error(serve: Serve, end: int) -> None:
    server = serve(ECHO)
    assert server.stop(end) == 0
    page = server.base_url.removesuffix("v1")
    assert re.sub("Serving .*", "Serving", server.output) == f"Serving\nSee it at {page}\n"


def test_several_programs_are_models_by_their_names(serve: Serve) -> None:
    names = ("one", "two[x]")
    server = serve(
        *(NAMED.format(name=name) for name in names), flags=("--name", names[0], "--name", names[1], "--no-access-log")
    )
    assert "Serving one, two[x] at" in server.output
    assert [say(server.base_url, "hello", name) for name in names] == list(names)
    assert "POST" not in server.output


def test_what_a_proxy_hands_on_without_the_root_path_is_answered(serve: Serve) -> None:
    server = serve(ECHO, flags=("--root-path", "/api"))
    assert say(server.base_url.replace("/api", ""), "hello") == "hello"


def test_a_unix_socket_is_served(serve: Serve, tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    before = os.umask(0o077)
    try:
        serve(ECHO, flags=("--uds", path))
    finally:
        os.umask(before)
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o700
    with httpx.Client(transport=httpx.HTTPTransport(uds=path), base_url="http://server") as client:
        assert client.get("/v1/models").status_code == 200


def test_secrets_are_not_left_in_the_environment(serve: Serve) -> None:
    program = (
        "import os, subprocess\n\ndef serve():\n"
        "    inherited = subprocess.run(['env'], capture_output=True, text=True).stdout\n"
        "    return ' '.join(os.environ) + inherited\n"
    )
    server = serve(program, env={"MSERVE_API_KEY": "sesame", "MSERVE_ACCESS_LOG": "false"})
    body = {"messages": [{"role": "user", "content": "x"}]}
    url = f"{server.base_url}/chat/completions"
    assert httpx.post(url, json=body).status_code == 401
    reply = httpx.post(url, json=body, headers={"x-api-key": "sesame"}).text
    assert "MSERVE_ACCESS_LOG=false" in reply
    assert "MSERVE_API_KEY" not in reply
    assert "sesame" not in reply


def test_options_come_from_the_environment_and_the_project_file(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.mserve]\nname = "from-file"\naccess_log = false\n')
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    server = serve(ECHO, env=os.environ | {"MSERVE_NAME": "from-environment"})
    assert "Serving from-environment at" in server.output
    assert say(server.base_url, "hello") == "hello"
    assert "POST" not in server.output


def test_the_pages_address_is_named_where_a_browser_can_open_it(serve: Serve, tmp_path: Path) -> None:
    server = serve(ECHO)
    page = server.base_url.removesuffix("v1")
    server.wait_for(f"(?m)^See it at {page}$")
    assert httpx.get(page, headers={"accept": "text/html"}).headers["content-type"] == "text/html; charset=utf-8"
    for flags in (("--no-playground",), ("--log-format", "json"), ("--uds", str(tmp_path / "socket"))):
        other = serve(ECHO, flags=flags)
        assert other.stop() == 0
        assert "See it at" not in other.output
