"""Pydantic AI on the Responses API: the script `python/pydantic_ai_responses_asks.py`, and what it must have seen."""

import pytest

from clients.python_scripts import CLOCK, FAILED, NESTED, RETOLD, SAID, TRIP, WEATHER, WORDS, Environment, Told
from processes import ServerProcess

LOOP = [["user-prompt"], ["tool-call", "tool-call"], ["tool-return", "tool-return"], ["text"]]
HISTORY = "system: Be kind.; user: Good morning; assistant: You said: Good morning; user: What was said?"


@pytest.fixture(scope="module")
def told(agent: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Told:
    home = tmp_path_factory.mktemp("home")
    return Told(Environment("openai-3", home), "pydantic_ai_responses_asks", agent.base_url)


def test_a_run_has_its_words_its_reason_and_its_usage(told: Told) -> None:
    assert told("run") == {"output": SAID, "usage": [1, 7, 5], "response": ["agent", "stop", True]}


def test_a_conversation_goes_on_with_and_without_a_response_to_go_on_from(told: Told) -> None:
    assert told("conversation") == [HISTORY] * 2


def test_a_stream_is_heard_word_by_word_with_its_usage(told: Told) -> None:
    assert told("run_stream") == {"words": WORDS, "usage": [1, 7, 5], "reason": "stop"}


def test_thoughts_are_parts_of_their_own_as_they_are_and_as_a_summary(told: Told) -> None:
    raw = [["thinking", ["Let me think. "]], ["text", "You said: think"]]
    summary = [["thinking", "Let me think. "], ["text", "You said: think"]]
    assert told("thoughts") == [raw, raw, summary, summary]


def test_the_loop_of_tools_goes_round_with_and_without_a_response_to_go_on_from(told: Told) -> None:
    for loop in told("tools"):
        assert (loop["output"], loop["parts"], loop["usage"]) == (RETOLD, LOOP, [2, 14, 10])
        assert loop["reasons"] == ["stop", "stop"]
        assert loop["calls"] == [["weather", WEATHER, "call_0"], ["clock", CLOCK, "call_1"]]


def test_the_loop_of_tools_goes_round_in_a_stream(told: Told) -> None:
    loop = told("tools_streamed")
    assert ("".join(loop["words"]), loop["parts"], loop["usage"]) == (RETOLD, LOOP, [2, 14, 10])
    assert len(loop["words"]) == len(RETOLD.split())


@pytest.mark.parametrize("way", ["tool", "native", "prompted"])
def test_structured_output_is_an_instance_and_grows_in_a_stream(told: Told, way: str) -> None:
    whole, steps, last = told("structured")[way]
    assert (whole, steps > 1, last) == ([TRIP, NESTED], True, TRIP)


def test_a_refusal_is_told_in_the_programs_words(told: Told) -> None:
    for error in told("refused"):
        assert "ModelHTTPError" in error["bases"]
        assert error["status"] == 400
        assert "I will not." in error["text"]


def test_a_failure_is_an_error_before_the_reply_and_amid_it(told: Told) -> None:
    whole, (amid, words) = told("failed"), told("failed_amid")
    for error in whole, amid:
        assert "ModelAPIError" in error["bases"]
        assert FAILED in error["text"]
    assert words == ["You "]
