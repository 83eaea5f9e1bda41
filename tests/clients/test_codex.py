"""Codex, the coding agent, against a real server: it answers, runs its shell, and asks nobody but the server."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clients.node_scripts import FOLDER
from processes import Serve, ServerProcess

CODEX = FOLDER / "node_modules" / ".bin" / "codex"
LIMIT = 50.0
HERE = Path(__file__).parent

# What Codex would tell or fetch, where it is let, is switched off; and it has no second try.
SETTINGS = """
model = "{model}"
model_provider = "mserve"
check_for_update_on_startup = false
web_search = "disabled"

[features]
plugins = false
apps = false

[analytics]
enabled = false

[feedback]
enabled = false

[model_providers.mserve]
name = "mserve"
base_url = "{base_url}"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
"""


class Codex:
    """A user of Codex, with a home and a project of its own, both empty at first."""

    def __init__(self, base_url: str, folder: Path, model: str, listener: socket.socket) -> None:
        if not CODEX.exists():
            pytest.fail("The clients of Node are not installed: run `npm ci` in tests/clients/node.", pytrace=False)
        self.project = folder / "project"
        self._home = folder / "home"
        self._listener = listener
        self.project.mkdir()
        self._home.mkdir()
        (self._home / "config.toml").write_text(SETTINGS.format(base_url=base_url, model=model))

    def __call__(self, *arguments: str) -> list[dict[str, Any]]:
        """Give the events of a run; whatever it wants from elsewhere would pass by the listener."""
        proxy = "http://{}:{}".format(*self._listener.getsockname())
        done = subprocess.run(
            [str(CODEX), "exec", "--json", "--skip-git-repo-check", *arguments],
            cwd=self.project,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self._home),
                "CODEX_HOME": str(self._home),
                "HTTP_PROXY": proxy,
                "HTTPS_PROXY": proxy,
                "ALL_PROXY": proxy,
                "NO_PROXY": "127.0.0.1",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        events: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
        assert events, done.stderr
        with pytest.raises(BlockingIOError):  # nobody came
            self._listener.accept()
        return events

    def run(self, prompt: str, *arguments: str) -> list[dict[str, Any]]:
        """Run it where it may do everything, since what it does is known."""
        return self("--dangerously-bypass-approvals-and-sandbox", *arguments, prompt)


def items(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event["item"] for event in events if event["type"] == "item.completed" and event["item"]["type"] == kind]


def said(events: list[dict[str, Any]]) -> list[str]:
    return [item["text"] for item in items(events, "agent_message")]


@pytest.fixture(scope="module")
def server(serve_module: Serve) -> ServerProcess:
    return serve_module(HERE / "agent.py", HERE / "coder.py")


@pytest.fixture
def elsewhere() -> Iterator[socket.socket]:
    """Listen where all but this machine would be reached by, and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


@pytest.fixture
def coder(server: ServerProcess, tmp_path: Path, elsewhere: socket.socket) -> Codex:
    return Codex(server.base_url, tmp_path, "coder", elsewhere)


@pytest.fixture
def talker(server: ServerProcess, tmp_path: Path, elsewhere: socket.socket) -> Codex:
    return Codex(server.base_url, tmp_path, "agent", elsewhere)


def test_a_prompt_is_answered_with_its_usage(coder: Codex) -> None:
    events = coder.run("Good morning")
    assert said(events) == ["You said: Good morning"]
    assert events[-1]["type"] == "turn.completed"
    assert (events[-1]["usage"]["input_tokens"], events[-1]["usage"]["output_tokens"]) == (7, 5)


def test_the_shell_runs_until_the_program_answers(coder: Codex) -> None:
    events = coder.run("Run `echo one > numbers` and `echo two >> numbers; cat numbers`")
    ran = [(item["aggregated_output"], item["exit_code"]) for item in items(events, "command_execution")]
    assert (coder.project / "numbers").read_text() == "one\ntwo\n"
    assert ran == [("", 0), ("one\ntwo\n", 0)]
    [answer] = said(events)
    assert answer.startswith("The shell said: ")
    assert answer.rstrip().endswith("one\ntwo")
    assert [item["text"] for item in items(events, "reasoning")] == ["I need a shell."] * 2
    assert events[-1]["usage"]["output_tokens"] == 15


def test_a_command_that_fails_is_told_to_the_program(coder: Codex) -> None:
    events = coder.run("Run `cat nothing`")
    [ran] = items(events, "command_execution")
    assert ran["exit_code"] == 1
    assert "No such file" in said(events)[0]


def test_a_session_goes_on(talker: Codex) -> None:
    talker.run("Good morning")
    [told] = said(talker.run("What was said?", "resume", "--last"))
    assert "user: Good morning; assistant: You said: Good morning; user: What was said?" in told


def test_an_answer_fits_the_schema_that_was_asked_for(talker: Codex, tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city", "days"],
        "additionalProperties": False,
    }
    (tmp_path / "schema.json").write_text(json.dumps(schema))
    [answer] = said(talker.run("A trip, please.", "--output-schema", str(tmp_path / "schema.json")))
    assert json.loads(answer) == {"city": "Lisbon", "days": 21}


@pytest.mark.parametrize(("prompt", "told"), [("refuse", "I will not."), ("fail", "The program failed")])
def test_a_failure_is_told_in_the_servers_words(talker: Codex, prompt: str, told: str) -> None:
    last = talker.run(prompt)[-1]
    assert last["type"] == "turn.failed"
    assert told in last["error"]["message"]
