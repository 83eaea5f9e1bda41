"""An older openai-python on the Responses API: the script `python/openai_responses_asks.py`, and what it saw."""

import pytest

from clients.python_scripts import SAID, TRIP, Environment, Told
from processes import ServerProcess


@pytest.fixture(scope="module")
def told(agent: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Told:
    home = tmp_path_factory.mktemp("home")
    return Told(Environment("openai-2", home), "openai_responses_asks", agent.base_url)


def test_words_thoughts_and_refusals_are_heard(told: Told) -> None:
    assert told("whole") == [SAID, ["reasoning", "message"], "I would rather not."]
    assert told("streamed") == ["You said: think", True, SAID]


def test_a_tool_is_called_and_retold(told: Told) -> None:
    assert told("tools") == [TRIP, "The tools said: rain"]


def test_an_instance_is_parsed(told: Told) -> None:
    assert told("parsed") == [TRIP, TRIP]


def test_a_response_is_left_found_resumed_and_cancelled(told: Told) -> None:
    assert told("background") == ["completed", "You said: slow one"]
    assert told("resumed") == ["You said: slow one", True]
    assert told("cancelled") == ["cancelled", "cancelled"]


def test_a_response_and_its_input_are_kept_until_they_are_deleted(told: Told) -> None:
    assert told("kept") == [["Good morning"], True, 404]


def test_a_conversation_is_kept(told: Told) -> None:
    said = "user: Hi; user: Good morning; assistant: You said: Good morning; user: What was said?"
    assert told("conversation") == [said, 5, True]


def test_a_refusal_is_a_bad_request(told: Told) -> None:
    for error in told("refused"):
        assert "BadRequestError" in error["bases"]
        assert (error["status"], error["code"]) == (400, "refused")
