"""LangChain's ChatOpenAI on the Responses API: the script `python/langchain_responses_asks.py`, and what it saw."""

from typing import Any

import pytest

from clients.python_scripts import FAILED, PIECES, RETOLD, SAID, TRIP, WORDS, Environment, Told
from processes import ServerProcess

CALLS = [["weather", {"city": "Lisbon", "days": 21}, "call_0"], ["clock", {"zone": "Lisbon"}, "call_1"]]
TOLD = "user: Good morning; assistant: You said: Good morning; user: What was said?"


def message(text: str, **more: Any) -> dict[str, Any]:
    return {"text": text, "id": "resp", "status": "completed", "tokens": [7, 5, 12], "calls": []} | more


@pytest.fixture(scope="module")
def told(agent: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Told:
    home = tmp_path_factory.mktemp("home")
    return Told(Environment("openai-3", home), "langchain_responses_asks", agent.base_url)


def test_a_whole_reply_has_its_words_and_its_usage(told: Told) -> None:
    history = "system: Be kind.; user: Hi; assistant: Hello; user: What was said?"
    assert told("invoke") == [message(SAID), history]


def test_a_stream_is_heard_word_by_word_and_adds_up(told: Told) -> None:
    assert told("stream") == {"words": [WORDS] * 2, "all": [message(SAID)] * 2}


def test_the_loop_of_tools_goes_round_with_and_without_a_response_to_go_on_from(told: Told) -> None:
    loop = {"called": message("", calls=CALLS), "answer": message(RETOLD), "results": 2}
    assert told("tools") == [loop] * 2


def test_streamed_calls_come_in_pieces(told: Told) -> None:
    pieces = [arguments for _, arguments in PIECES]
    assert told("tools_streamed") == {"pieces": pieces, "all": message("", calls=CALLS)}


def test_a_custom_tool_gets_a_text(told: Told) -> None:
    call = ["note", {"__arg1": "Note the weather"}, "call_0"]
    assert told("custom") == [[call], "tool", "The tools said: noted: Note the weather"]


def test_a_choice_of_tools_is_obeyed(told: Told) -> None:
    assert told("tool_choice") == {"clock": ["clock"], "any": ["weather"], "none": []}


def test_a_conversation_goes_on_from_its_last_response(told: Told) -> None:
    assert told("previous") == TOLD


def test_structured_output_is_an_instance_whole_and_streamed(told: Told) -> None:
    assert told("structured") == {"json_schema": [TRIP] * 2, "function_calling": [TRIP] * 2}


def test_thoughts_and_refusals_are_apart_from_the_words(told: Told) -> None:
    assert told("thoughts") == [[["reasoning", "Let me think. "], ["text", "You said: think"]]] * 2
    assert told("declined") == ["", ["I would rather not."]]


def test_a_refusal_is_a_bad_request_in_the_programs_words(told: Told) -> None:
    for error in told("refused"):
        assert "BadRequestError" in error["bases"]
        assert (error["status"], error["code"], error["param"]) == (400, "refused", "messages")
        assert "I will not." in error["text"]


def test_a_failure_is_an_error_before_the_reply_and_amid_it(told: Told) -> None:
    whole, (amid, heard) = told("failed"), told("failed_amid")
    assert (whole["status"], whole["code"]) == (500, "program_error")
    assert FAILED in whole["text"]
    assert FAILED in amid["text"]
    assert [word for word in heard if word] == ["You "]
