"""LiteLLM against a real server: the script `python/litellm_asks.py`, and what it must have seen."""

import json
from typing import Any

import pytest

from clients.python_scripts import (
    CLOCK,
    FAILED,
    NESTED,
    PIECES,
    SAID,
    TRIP,
    WEATHER,
    WORDS,
    Environment,
    Told,
)
from processes import ServerProcess

CALLS = [["call_0", "weather", WEATHER], ["call_1", "clock", CLOCK]]


def message(content: str | None, reason: str = "stop", **more: Any) -> dict[str, Any]:
    return {"content": content, "reason": reason, "thoughts": None, "calls": [], "usage": [7, 5, 12]} | more


def stream(words: list[str], reason: str = "stop", **more: Any) -> dict[str, Any]:
    silent: dict[str, Any] = {"thoughts": [], "named": [], "pieces": [], "usage": []}
    return {"words": words, "reasons": [reason], "ids": 1} | silent | more


def heard(told: dict[str, Any]) -> dict[str, Any]:
    """Leave out the reasons that are none: LiteLLM makes chunks of its own."""
    return told | {"reasons": [reason for reason in told["reasons"] if reason]}


@pytest.fixture(scope="module")
def told(agent: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Told:
    return Told(Environment("openai-2", tmp_path_factory.mktemp("home")), "litellm_asks", agent.base_url)


def test_a_whole_reply_has_its_words_its_reason_and_its_usage(told: Told) -> None:
    assert told("whole") == message(SAID)


def test_a_stream_is_heard_word_by_word_and_adds_up(told: Told) -> None:
    streamed = told("stream")
    assert heard(streamed["plain"]) == stream(WORDS)
    assert heard(streamed["using"]) == stream(WORDS, usage=[12])
    assert streamed["built"] == message(SAID)


def test_the_async_way_hears_the_same(told: Told) -> None:
    whole, streamed = told("asked_async")
    assert (whole, heard(streamed)) == (message(SAID), stream(WORDS))


def test_thoughts_are_apart_whole_and_streamed(told: Told) -> None:
    whole, streamed = told("thoughts")
    assert whole == message("You said: think", thoughts="Let me think. ")
    assert heard(streamed) == stream(["You ", "said: ", "think"], thoughts=["Let me ", "think. "])


def test_the_loop_of_tools_goes_round(told: Told) -> None:
    loop = told("tools")
    assert loop["called"] == message(None, "tool_calls", calls=CALLS)
    assert loop["answer"] == message("The tools said: weather and clock")


def test_streamed_calls_are_named_once_and_come_in_pieces(told: Told) -> None:
    streamed = told("tools_streamed")
    named = [[0, "call_0", "weather"], [1, "call_1", "clock"]]
    assert heard(streamed["heard"]) == stream([], "tool_calls", named=named, pieces=PIECES)
    assert (streamed["built"]["calls"], streamed["built"]["reason"]) == (CALLS, "tool_calls")


def test_a_choice_of_tools_is_obeyed(told: Told) -> None:
    assert told("tool_choice") == [["clock"], ["weather"], []]


def test_a_response_format_is_filled_by_class_and_by_schema_whole_and_streamed(told: Told) -> None:
    assert [json.loads(content) for content in told("response_format")] == [TRIP, TRIP, NESTED, TRIP]


def test_a_refusal_is_a_bad_request_in_the_programs_words(told: Told) -> None:
    for error in told("refused"):
        assert (error["class"], error["status"], error["code"]) == ("BadRequestError", 400, "refused")
        assert "I will not." in error["text"]


def test_a_failure_is_an_error_before_the_reply_and_amid_it(told: Told) -> None:
    failed = told("failed")
    assert (failed["whole"]["class"], failed["whole"]["status"]) == ("InternalServerError", 500)
    assert failed["amid"]["class"] == "MidStreamFallbackError"
    assert FAILED in failed["whole"]["text"]
    assert FAILED in failed["amid"]["text"]
    assert failed["words"] == [None, "You "]
