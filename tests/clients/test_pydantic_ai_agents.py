"""Pydantic AI's agents against a real server: the script `python/pydantic_ai_asks.py`, and what it must have seen."""

import pytest

from clients.python_scripts import CLOCK, FAILED, NESTED, RETOLD, SAID, TRIP, WEATHER, WORDS, Environment, Told
from processes import ServerProcess

LOOP = [["user-prompt"], ["tool-call", "tool-call"], ["tool-return", "tool-return"], ["text"]]


@pytest.fixture(scope="module")
def told(agent: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Told:
    return Told(Environment("openai-3", tmp_path_factory.mktemp("home")), "pydantic_ai_asks", agent.base_url)


def test_a_run_has_its_words_its_reason_and_its_usage(told: Told) -> None:
    assert told("run_sync") == SAID
    assert told("run") == {"output": SAID, "usage": [1, 7, 5], "response": ["agent", "stop", True]}


def test_a_conversation_goes_on(told: Told) -> None:
    assert told("conversation") == {"output": "You said: And again", "parts": [["user-prompt"], ["text"]] * 2}


def test_a_stream_is_heard_word_by_word_with_its_usage(told: Told) -> None:
    assert told("run_stream") == {"words": WORDS, "usage": [1, 7, 5], "reason": "stop"}


def test_thoughts_are_parts_of_their_own_whole_and_streamed(told: Told) -> None:
    assert told("thoughts") == [[["thinking", "Let me think. "], ["text", "You said: think"]]] * 2


def test_the_loop_of_tools_goes_round(told: Told) -> None:
    loop = told("tools")
    assert (loop["output"], loop["parts"], loop["usage"]) == (RETOLD, LOOP, [2, 14, 10])
    assert loop["reasons"] == ["tool_call", "stop"]
    assert loop["calls"] == [["weather", WEATHER, "call_0"], ["clock", CLOCK, "call_1"]]


def test_the_loop_of_tools_goes_round_in_a_stream(told: Told) -> None:
    loop = told("tools_streamed")
    assert ("".join(loop["words"]), loop["parts"], loop["usage"]) == (RETOLD, LOOP, [2, 14, 10])
    assert len(loop["words"]) == len(RETOLD.split())


def test_the_events_hold_each_piece_of_the_calls_and_of_the_answer(told: Told) -> None:
    assert told("events") == {"text": RETOLD, "arguments": [WEATHER, CLOCK]}


@pytest.mark.parametrize("way", ["tool", "native", "prompted"])
def test_structured_output_is_an_instance_and_grows_in_a_stream(told: Told, way: str) -> None:
    assert told("structured")[way] == [TRIP, NESTED]
    steps, last = told("structured_streamed")[way]
    assert (steps > 1, last) == (True, TRIP)


def test_a_refusal_is_told_in_the_programs_words(told: Told) -> None:
    for error in told("refused"):
        assert "ModelHTTPError" in error["bases"]
        assert error["status"] == 400
        assert "I will not." in error["text"]


def test_a_failure_is_an_error_before_the_reply_and_amid_it(told: Told) -> None:
    failed = told("failed")
    for error in failed["whole"], failed["amid"]:
        assert "ModelAPIError" in error["bases"]
        assert FAILED in error["text"]
        assert "program_error" in error["text"]
    assert failed["words"] == ["You "]
