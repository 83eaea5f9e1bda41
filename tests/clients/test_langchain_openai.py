"""LangChain's ChatOpenAI against a real server: the script `python/langchain_asks.py`, and what it must have seen."""

from pathlib import Path
from typing import Any

import pytest

from clients.python_scripts import FAILED, NESTED, PIECES, SAID, TRIP, WORDS, Environment, Told
from processes import ServerProcess

USAGE = {
    "input_tokens": 7,
    "output_tokens": 5,
    "total_tokens": 12,
    "input_token_details": {},
    "output_token_details": {},
}
CALLS = [
    {"name": "weather", "args": {"city": "Lisbon", "days": 21}, "id": "call_0", "type": "tool_call"},
    {"name": "clock", "args": {"zone": "Lisbon"}, "id": "call_1", "type": "tool_call"},
]


def message(content: str, reason: str = "stop", **more: Any) -> dict[str, Any]:
    return {"content": content, "reason": reason, "usage": USAGE, "calls": []} | more


@pytest.fixture(scope="module")
def told(agent: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Told:
    home: Path = tmp_path_factory.mktemp("home")
    return Told(Environment("openai-3", home), "langchain_asks", agent.base_url)


@pytest.mark.parametrize("case", ["invoke", "ainvoke"])
def test_a_whole_reply_has_its_words_its_reason_and_its_usage(told: Told, case: str) -> None:
    assert told(case) == message(SAID)


def test_a_stream_is_heard_word_by_word_and_adds_up(told: Told) -> None:
    stream = told("stream")
    assert stream["words"] == WORDS
    assert stream["plain"] == message(SAID, usage=None)
    assert stream["using"] == message(SAID)
    assert stream["told"] == [USAGE]


def test_an_async_stream_and_its_events_are_heard_word_by_word(told: Told) -> None:
    assert told("astream") == {"words": WORDS, "all": message(SAID)}
    assert [word for word in told("events") if word] == WORDS


def test_questions_of_a_batch_get_their_own_answers(told: Told) -> None:
    assert told("batch") == ["You said: one", "You said: two", "You said: three"]


def test_the_loop_of_tools_goes_round(told: Told) -> None:
    loop = told("tools")
    assert loop["called"] == message("", "tool_calls", calls=CALLS)
    assert loop["answer"] == message("The tools said: rain in Lisbon for 21 days and noon in Lisbon")


def test_streamed_calls_are_named_once_and_come_in_pieces(told: Told) -> None:
    streamed = told("tools_streamed")
    assert streamed["named"] == [[0, "call_0", "weather"], [1, "call_1", "clock"]]
    assert streamed["pieces"] == PIECES
    assert streamed["all"] == message("", "tool_calls", calls=CALLS, usage=None)


def test_a_choice_of_tools_is_obeyed(told: Told) -> None:
    assert told("tool_choice") == {"clock": ["clock"], "any": ["weather"], "none": []}


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
def test_structured_output_is_an_instance_whole_and_streamed(told: Told, method: str) -> None:
    assert told("structured")[method] == [TRIP, TRIP]


def test_a_strict_recursive_schema_is_filled(told: Told) -> None:
    strict = told("structured_strict")
    assert (strict["parsed"], strict["error"]) == (NESTED, None)
    assert strict["raw"]["reason"] == "stop"


def test_a_refusal_is_a_bad_request_in_the_programs_words(told: Told) -> None:
    for error in told("refused"):
        assert "BadRequestError" in error["bases"]
        assert (error["status"], error["code"], error["param"]) == (400, "refused", "messages")
        assert "I will not." in error["text"]


def test_a_failure_is_an_error_before_the_reply_and_amid_it(told: Told) -> None:
    failed = told("failed")
    assert (failed["whole"]["status"], failed["whole"]["code"]) == (500, "program_error")
    assert (failed["amid"]["status"], failed["amid"]["code"]) == (None, "program_error")
    assert "APIError" in failed["amid"]["bases"]
    assert failed["heard"] == ["", "You "]
    assert FAILED in failed["whole"]["text"]
    assert FAILED in failed["amid"]["text"]
