"""The OpenAI Agents SDK against a real server: the script `python/openai_agents_asks.py`, and what it saw."""

import pytest

from clients.python_scripts import FAILED, RETOLD, SAID, TRIP, WORDS, Environment, Told
from processes import ServerProcess

LOOP = [*["tool_call_item"] * 2, *["tool_call_output_item"] * 2, "message_output_item"]
MORNING = f"system: Be kind.; user: Good morning; assistant: {SAID}; "
WEATHER = (
    "user: How is the weather?; assistant: weather, clock; "
    f"tool: rain in Lisbon for 21 days; tool: noon in Lisbon; assistant: {RETOLD}; user: What was said?"
)


@pytest.fixture(scope="module")
def told(agent: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Told:
    home = tmp_path_factory.mktemp("home")
    return Told(Environment("openai-3", home), "openai_agents_asks", agent.base_url)


def test_a_run_has_its_words_and_its_usage(told: Told) -> None:
    assert told("run") == [SAID, 1, 7, 5]


def test_a_streamed_run_is_heard_word_by_word(told: Told) -> None:
    assert told("run_streamed") == {"words": WORDS, "output": SAID, "last": "response.completed"}


def test_the_loop_of_tools_goes_round_with_and_without_a_response_to_go_on_from(told: Told) -> None:
    assert told("tools") == [[RETOLD, LOOP, 2]] * 2


def test_the_loop_of_tools_goes_round_in_a_stream(told: Told) -> None:
    names = [*["tool_called"] * 2, *["tool_output"] * 2, "message_output_created"]
    assert told("tools_streamed") == {"names": names, "output": RETOLD}


def test_a_session_of_the_client_goes_on(told: Told) -> None:
    assert told("session") == MORNING + WEATHER


def test_a_session_of_the_server_goes_on_and_is_cleared(told: Told) -> None:
    session = told("conversation")
    calls = [*["function_call"] * 2, *["function_call_output"] * 2]
    assert session["said"] == MORNING + WEATHER
    assert session["kinds"] == [*["message"] * 3, *calls, *["message"] * 3]
    assert (session["last"], session["left"]) == ("assistant", 9)


def test_a_conversation_that_each_request_names_goes_on(told: Told) -> None:
    assert told("conversation_by_id") == f"system: Be kind.; {WEATHER}"


def test_structured_output_is_an_instance_whole_and_streamed(told: Told) -> None:
    assert told("structured") == [TRIP, TRIP]


def test_thoughts_are_an_item_of_their_own(told: Told) -> None:
    assert told("thoughts") == [["Let me think. "], "You said: think"]


def test_an_agent_hands_over_to_another_one(told: Told) -> None:
    steps = ["handoff_call_item", "handoff_output_item", "message_output_item"]
    assert told("handed_over") == ["plain", steps]


def test_a_refusal_is_a_bad_request_in_the_programs_words(told: Told) -> None:
    error = told("refused")
    assert "BadRequestError" in error["bases"]
    assert (error["status"], error["code"]) == (400, "refused")
    assert "I will not." in error["text"]


def test_a_failure_is_an_error_before_the_reply_and_amid_it(told: Told) -> None:
    whole, (amid, words) = told("failed"), told("failed_amid")
    assert (whole["status"], whole["code"]) == (500, "program_error")
    assert "AgentsException" in amid["bases"]
    assert FAILED in whole["text"]
    assert FAILED in amid["text"]
    assert words == ["You "]
