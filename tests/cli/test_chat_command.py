"""`mserve chat` without a terminal: one question, its answer as plain text, and an exit code."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mserve.cli.chat.api import Api
from mserve.cli.chat.target import key_of_the_environment
from mserve.errors import MserveError
from processes import Serve

ECHO = "def serve(prompt):\n    return prompt\n"
TELLING = """
import json

def serve(messages, model, headers, temperature=None, max_tokens=None):
    return json.dumps([messages, model, headers.get("authorization"), temperature, max_tokens])
"""
RICH = """
from mserve import ReasoningDelta, ToolCallDelta, ToolCallStart

def serve(prompt):
    yield ReasoningDelta("hm")
    yield "**bold** \\x1b[31mred\\x9b2J\\u202e [red]x[/]\\r\\n"
    yield ToolCallStart("call_1", "weather\\x1b]0;title\\x07")
    yield ToolCallDelta("call_1", '{"city": ')
    yield ToolCallDelta("call_1", '"Lisbon"}')
"""
FAILING = """
print("loaded")
def serve():
    yield "half "
    print("noise\\x1b[2J")
    raise ValueError("no luck")
"""
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
LASTING = """
import asyncio, contextlib, os, pathlib

@contextlib.asynccontextmanager
async def lifespan():
    yield
    pathlib.Path("closed").touch()

async def serve():
    try:
        pathlib.Path("begun").write_text(str(os.getpid()))
        yield "begun"
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        pathlib.Path("cancelled").touch()
        raise
"""


def chat(*arguments: str, stdin: str | bytes | None = None, **env: str) -> subprocess.CompletedProcess[bytes]:
    whole = {name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"}
    return subprocess.run(
        [sys.executable, "-m", "mserve", "chat", *arguments],
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        timeout=30,
        check=False,
        env=whole | env,
    )


@pytest.fixture
def echo(tmp_path: Path) -> str:
    (file := tmp_path / "echo.py").write_text(ECHO)
    return str(file)


def test_a_piped_question_is_answered(echo: str) -> None:
    done = chat(echo, stdin="two\nlines\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"two\nlines\n", b"")


def test_a_piped_question_may_hold_any_bytes(echo: str) -> None:
    done = chat(echo, stdin=b"a\xff\x00b")
    assert (done.returncode, done.stdout.decode()) == (0, "a\ufffd\ufffdb\n")


def test_one_question_may_be_an_option(echo: str) -> None:
    done = chat(echo, "--once", "[bold]hi[/]", FORCE_COLOR="1")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"[bold]hi[/]\n", b"")


def test_what_is_no_question_is_refused(echo: str) -> None:
    for done in (chat(echo, stdin=" \n"), chat(echo, "--once", "")):
        assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"mserve: nothing was asked\n")


def test_no_input_at_all_is_no_question(echo: str) -> None:
    command = f"exec {sys.executable} -m mserve chat {echo} <&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (1, b"mserve: nothing was asked\n")


def test_what_reaches_a_file_is_text_alone(tmp_path: Path) -> None:
    (file := tmp_path / "rich.py").write_text(RICH)
    done = chat(str(file), "--once", "hi")
    assert done.returncode == 0
    text = '**bold** \ufffd[31mred\ufffd2J\ufffd [red]x[/]\nweather\ufffd]0;title\ufffd({"city": "Lisbon"})\n'
    assert done.stdout.decode() == text


def test_a_server_is_asked_as_the_options_say(serve: Serve) -> None:
    server = serve(TELLING, flags=("--name", "teller", "--alias", "other=teller"))
    root = server.base_url.removesuffix("/v1").removeprefix("http://")
    assert json.loads(chat(root, "--once", "hi").stdout) == [[{"role": "user", "content": "hi"}], "teller", *[None] * 3]
    options = ("--model", "other", "--system", "Be brief.", "--temperature", "0.5", "--max-tokens", "7")
    said = json.loads(chat(server.base_url, "--once", "hi", *options).stdout)
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}]
    assert said == [messages, "other", None, 0.5, 7]


def test_a_model_that_no_list_has_is_told_and_asked_for_all_the_same(serve: Serve) -> None:
    url = serve(TELLING, flags=("--name", "teller", "--alias", "other=teller")).base_url
    for model, told in {
        "tellr": "mserve: the server lists no model tellr: did you mean teller?\n",
        "zzz\x1b": "mserve: the server lists no model zzz\ufffd: it has teller, other\n",
        "other": "",
    }.items():
        done = chat(url, "--once", "hi", "--model", model)
        assert (done.returncode, json.loads(done.stdout)[1], done.stderr.decode()) == (0, model, told)


def test_the_tools_of_a_file_are_offered(tmp_path: Path) -> None:
    (tmp_path / "tools.json").write_text(json.dumps([TOOL]))
    (file := tmp_path / "asking.py").write_text("def serve(tools=None):\n    return repr(tools)\n")
    assert chat(str(file), "--once", "hi", "--tools", str(tmp_path / "tools.json")).stdout.decode() == f"{[TOOL]}\n"
    assert chat(str(file), "--once", "hi").stdout == b"None\n"
    done = chat(str(file), "--once", "hi", "--tools", str(file))
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(f"mserve: {file} cannot be taken for a list of tools: JSON is malformed".encode())


def test_options_may_hold_any_bytes(tmp_path: Path) -> None:
    (file := tmp_path / "teller.py").write_text(TELLING)
    said = json.loads(chat(str(file), "--once", "a\udcff", "--system", "b\udcff", "--model", "c\udcff").stdout)
    assert [one["content"] for one in said[0]] + [said[1]] == ["b\ufffd", "a\ufffd", "c\ufffd"]


@pytest.mark.parametrize(
    ("env", "key"),
    [
        ({"MSERVE_API_KEY": "alice:sesame bob:other", "OPENAI_API_KEY": "x"}, "sesame"),
        ({"MSERVE_API_KEY": "sesame"}, "sesame"),
        ({"MSERVE_API_KEY": "", "OPENAI_API_KEY": "a:b"}, "a:b"),
        ({}, None),
    ],
)
def test_a_key_is_found_in_the_environment(
    env: dict[str, str], key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MSERVE_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert key_of_the_environment() == key


def test_a_key_is_sent_and_never_shown(serve: Serve) -> None:
    server = serve(ECHO, env={"MSERVE_API_KEY": "alice:sesame"})
    url = (server.base_url, "--once", "hi")
    assert chat(*url, "--api-key", "sesame", OPENAI_API_KEY="wrong").stdout == b"hi\n"
    done = chat(*url, OPENAI_API_KEY="secret")
    assert done.returncode == 1
    assert done.stderr.startswith(b"mserve: the server does not know the key (401): it is that of --api-key, else of ")
    assert b"secret" not in done.stderr


@pytest.mark.parametrize("key", ["sec\u2713ret", "sec\nret"])
def test_what_is_no_key_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(MserveError) as told:
        Api("http://a", key)
    assert str(told.value) == "the key has characters that no header can hold"


def test_a_program_that_fails_is_told_with_what_its_process_printed(tmp_path: Path) -> None:
    (file := tmp_path / "failing.py").write_text(FAILING)
    done = chat(str(file), "--once", "hi")
    told = done.stderr.decode()
    assert (done.returncode, done.stdout) == (1, b"half \n")
    assert told.startswith("mserve: ValueError: no luck (failing.py, line 6, in serve)\n")
    assert told.count("no luck") == 2  # the exception, and the line that raised it
    assert told.endswith("noise\ufffd[2J\n")
    assert "loaded" not in told


def test_a_program_that_cannot_be_served_is_told_on_one_line(tmp_path: Path) -> None:
    (file := tmp_path / "wrong.py").write_text("1 / 0\n")
    done = chat(str(file), "--once", "hi")
    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr.decode() == f"mserve: {file}, line 1: ZeroDivisionError: division by zero\n"
    file.write_text(
        f"import contextlib\n\n@contextlib.asynccontextmanager\nasync def lifespan():\n    1 / 0\n    yield\n{ECHO}"
    )
    done = chat(str(file), "--once", "hi")
    assert done.returncode == 3
    assert b"division by zero" in done.stderr
    assert done.stderr.count(b"\n") == 1
    file.write_text("import os\nos._exit(7)\n")
    done = chat(str(file), "--once", "hi")
    assert (done.returncode, done.stderr) == (3, b"mserve: the program's process ended before it served\n")


def test_a_program_never_gets_a_servers_key(tmp_path: Path) -> None:
    (file := tmp_path / "telling.py").write_text("import os\ndef serve():\n    return repr(sorted(os.environ))\n")
    done = chat(str(file), "--once", "hi", MSERVE_API_KEY="sesame")
    assert b"'PATH'" in done.stdout
    assert b"MSERVE_API_KEY" not in done.stdout


@pytest.mark.parametrize(
    ("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, -1), (signal.SIGKILL, -9)]
)
def test_a_chat_that_ends_ends_its_program(tmp_path: Path, how: signal.Signals, code: int) -> None:
    (tmp_path / "lasting.py").write_text(LASTING)
    process = subprocess.Popen(
        [sys.executable, "-m", "mserve", "chat", "lasting.py", "--once", "hi"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wait_for(tmp_path / "begun")
    process.send_signal(how)
    _, told = process.communicate(timeout=20)
    assert (process.returncode, told) == (code, b"")
    wait_for(tmp_path / "cancelled")
    wait_for(tmp_path / "closed")


def test_who_does_not_want_to_wait_for_a_program_that_does_not_close_need_not(tmp_path: Path) -> None:
    closing = '    yield\n    pathlib.Path("cancelled").touch()\n    time.sleep(60)\n'
    (tmp_path / "lasting.py").write_text(LASTING.replace("    yield\n", closing, 1).replace("import ", "import time, "))
    command = [sys.executable, "-m", "mserve", "chat", "lasting.py", "--once", "hi"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for(tmp_path / "begun")
    process.send_signal(signal.SIGINT)
    wait_for(tmp_path / "cancelled")
    since = time.monotonic()
    while process.poll() is None and time.monotonic() < since + 3:
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
    assert process.communicate(timeout=20)[1] == b""
    assert time.monotonic() < since + 4
    # By itself, or by one more signal that came as Python had done with them: to a shell both are 130.
    assert process.returncode in (130, -signal.SIGINT)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "begun").read_text()), 0)


def wait_for(file: Path) -> None:
    until = time.monotonic() + 10
    while not file.exists():
        assert time.monotonic() < until, file
        time.sleep(0.01)


def test_a_reader_that_leaves_ends_it_without_a_traceback(tmp_path: Path) -> None:
    (file := tmp_path / "long.py").write_text(
        "def serve():\n    for _ in range(100_000):\n        yield 'word\\n' * 10\n"
    )
    command = f"{sys.executable} -m mserve chat {file} --once hi | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"word\n", b"")
