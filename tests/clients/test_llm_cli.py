"""The command line `llm` against a real server, as its users configure it: one file in a folder of its own."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from clients.python_scripts import FAILED, SAID, Environment
from processes import ServerProcess

Llm = Callable[..., subprocess.CompletedProcess[str]]
MODELS = """
- {{model_id: agent, model_name: agent, api_base: "{url}", supports_schema: true, supports_tools: true}}
- {{model_id: whole, model_name: agent, api_base: "{url}", can_stream: false}}
"""
TOOLS = '''
def weather(city: str, days: int) -> str:
    """Tell the weather."""
    return f"rain in {city} for {days} days"

def clock(zone: str) -> str:
    """Tell the time."""
    return f"noon in {zone}"
'''


@pytest.fixture
def llm(agent: ServerProcess, tmp_path: Path) -> Llm:
    (tmp_path / "extra-openai-models.yaml").write_text(MODELS.format(url=agent.base_url))
    environment = Environment("openai-3", tmp_path)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return environment.run("loopback.py", "llm", *arguments, env={"LLM_USER_PATH": str(tmp_path)})

    return run


def logged(llm: Llm) -> dict[str, object]:
    replies: list[dict[str, object]] = json.loads(llm("logs", "list", "-n", "1", "--json").stdout)
    return replies[0]


def test_the_models_are_listed(llm: Llm) -> None:
    assert llm("models", "list").stdout.splitlines()[-3:-1] == ["OpenAI Chat: agent", "OpenAI Chat: whole"]


@pytest.mark.parametrize("arguments", [["-m", "agent"], ["-m", "agent", "--no-stream"], ["-m", "whole"]])
def test_a_prompt_is_answered_streamed_and_whole_with_its_usage(llm: Llm, arguments: list[str]) -> None:
    done = llm("prompt", *arguments, "--usage", "Good morning")
    assert (done.returncode, done.stdout) == (0, SAID + "\n")
    assert done.stderr.strip() == "Token usage: 7 input, 5 output"


def test_a_conversation_goes_on_and_a_system_prompt_is_sent(llm: Llm) -> None:
    assert llm("prompt", "-m", "agent", "-s", "Be kind.", "Good morning").stdout == SAID + "\n"
    assert llm("prompt", "--continue", "And again").stdout == "You said: And again\n"
    assert logged(llm)["conversation_model"] == "agent"


@pytest.mark.parametrize("how", [[], ["--no-stream"]])
def test_a_schema_is_filled(llm: Llm, how: list[str]) -> None:
    done = llm("prompt", "-m", "agent", *how, "--schema", "name, age int, tall bool", "Please")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"name": "Lisbon", "age": 21, "tall": True})


@pytest.mark.parametrize("how", [[], ["--no-stream"]])
def test_tools_are_called_and_their_results_retold(llm: Llm, how: list[str]) -> None:
    done = llm("prompt", "-m", "agent", *how, "--functions", TOOLS, "--td", "How is the weather?")
    assert done.stdout == "The tools said: rain in Lisbon for 21 days and noon in Lisbon\n"
    assert "Tool call: weather({'city': 'Lisbon', 'days': 21})" in done.stderr
    assert "Tool call: clock({'zone': 'Lisbon'})" in done.stderr


def test_what_streams_is_heard_before_a_failure_ends_it(llm: Llm) -> None:
    done = llm("prompt", "-m", "agent", "fail")
    assert (done.returncode, done.stdout) == (1, "You ")
    assert done.stderr.strip().startswith(f"Error: {FAILED}")


@pytest.mark.parametrize("how", [[], ["--no-stream"]])
def test_a_refusal_is_told_in_the_programs_words(llm: Llm, how: list[str]) -> None:
    done = llm("prompt", "-m", "agent", *how, "refuse")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: Error code: 400 - I will not.\n"
