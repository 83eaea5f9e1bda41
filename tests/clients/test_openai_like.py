"""LlamaIndex's OpenAILike against a server: the script `python/llama_index_asks.py`, and what it must have seen."""

import pytest

from clients.python_scripts import FAILED, LEAF, RETOLD, SAID, TRIP, WORDS, Environment, Told
from processes import ServerProcess

CALLS = [["call_0", "weather", {"city": "Lisbon", "days": 21}], ["call_1", "clock", {"zone": "Lisbon"}]]
SHELF = {"top": LEAF}


@pytest.fixture(scope="module")
def told(agent: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Told:
    return Told(Environment("openai-2", tmp_path_factory.mktemp("home")), "llama_index_asks", agent.base_url)


def test_a_chat_has_its_words_its_reason_and_its_usage(told: Told) -> None:
    assert told("chat") == {"content": SAID, "role": "assistant", "reason": "stop", "usage": 12}


def test_a_streamed_chat_is_heard_word_by_word(told: Told) -> None:
    assert told("stream_chat") == {"words": WORDS, "content": SAID}


def test_the_async_way_hears_the_same(told: Told) -> None:
    assert told("achat") == [SAID, WORDS]


def test_a_completion_is_a_chat_whole_and_streamed(told: Told) -> None:
    assert told("complete") == [SAID, WORDS]


def test_a_prediction_fills_its_template(told: Told) -> None:
    assert told("predict") == SAID


def test_tools_are_chosen_whole_and_streamed(told: Told) -> None:
    assert told("tools") == [CALLS, CALLS]


def test_tools_are_predicted_and_called(told: Told) -> None:
    assert told("predict_and_call") == "rain in Lisbon for 21 days\n\nnoon in Lisbon"


def test_an_agent_goes_round_the_loop_of_tools_and_its_words_are_heard(told: Told) -> None:
    agent = told("agent")
    assert agent["results"] == ["rain in Lisbon for 21 days", "noon in Lisbon"]
    assert ("".join(agent["words"]), agent["answer"]) == (RETOLD, RETOLD)
    assert len(agent["words"]) == len(RETOLD.split())


def test_structured_predictions_are_instances_by_tool_and_by_format_whole_and_streamed(told: Told) -> None:
    structured = told("structured")
    assert structured["tool"] == structured["format"] == [TRIP, SHELF]
    assert structured["class"] == TRIP
    assert structured["streamed"] == [TRIP, TRIP]


def test_a_refusal_is_a_bad_request_in_the_programs_words(told: Told) -> None:
    for error in told("refused"):
        assert (error["class"], error["status"], error["code"]) == ("BadRequestError", 400, "refused")
        assert "I will not." in error["text"]


def test_a_failure_is_an_error_before_the_reply_and_amid_it(told: Told) -> None:
    failed = told("failed")
    assert (failed["whole"]["class"], failed["whole"]["status"]) == ("InternalServerError", 500)
    assert (failed["amid"]["class"], failed["amid"]["code"]) == ("APIError", "program_error")
    assert FAILED in failed["whole"]["text"]
    assert FAILED in failed["amid"]["text"]
    assert failed["words"] == ["", "You "]
