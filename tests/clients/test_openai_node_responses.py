"""openai-node on the Responses API against a real server: the script `openai_responses.js`."""

from itertools import accumulate
from typing import Any

import pytest

from clients.node_scripts import Scripts
from processes import ServerProcess

SAID = "You said: Good morning"
WORDS = ["You ", "said: ", "Good ", "morning"]
STEADY = "You said: slow and steady"
CALLS = [["call_0", {"city": "Lisbon"}], ["call_1", {"zone": "Lisbon", "hours": 21}]]
TRIP = {"city": "Lisbon", "days": 21, "mood": "calm", "stops": [{"name": "Lisbon", "booked": True}]}


@pytest.fixture(scope="module")
def told(agent: ServerProcess) -> Scripts:
    return Scripts(agent.base_url)


def deltas(events: list[dict[str, Any]], kind: str = "output_text") -> list[str]:
    return [event["delta"] for event in events if event["type"] == f"response.{kind}.delta"]


def are_numbered(events: list[dict[str, Any]]) -> bool:
    return [event["sequence_number"] for event in events] == list(range(len(events)))


def test_a_whole_reply_has_its_words_and_its_usage(told: Scripts) -> None:
    reply = told("openai_responses", "whole")
    assert (reply["output_text"], reply["status"], reply["usage"]["total_tokens"]) == (SAID, "completed", 12)


def test_a_stream_has_its_words_in_numbered_events(told: Scripts) -> None:
    events = told("openai_responses", "events")
    assert (deltas(events), are_numbered(events)) == (WORDS, True)
    assert (events[0]["type"], events[-1]["type"]) == ("response.created", "response.completed")


def test_the_stream_helper_gathers_the_words(told: Scripts) -> None:
    helped = told("openai_responses", "helped")
    assert helped["deltas"] == [list(pair) for pair in zip(WORDS, accumulate(WORDS), strict=True)]
    assert (helped["output_text"], helped["status"]) == (SAID, "completed")


def test_thoughts_and_refusals_are_apart_from_the_words(told: Scripts) -> None:
    thought, message = told("openai_responses", "thought")["output"]
    assert (thought["type"], thought["content"][0]["text"]) == ("reasoning", "Let me think. ")
    assert message["content"][0]["text"] == "You said: think"
    assert deltas(told("openai_responses", "thought_events"), "reasoning_text") == ["Let me ", "think. "]
    [declined] = told("openai_responses", "declined")["output"]
    assert declined["content"] == [{"type": "refusal", "refusal": "I would rather not."}]


def test_tools_are_called_parsed_and_retold(told: Scripts) -> None:
    assert told("openai_responses", "tools") == {"calls": CALLS, "retold": "The tools said: rain and noon"}


def test_arguments_grow_in_a_stream(told: Scripts) -> None:
    helped = told("openai_responses", "tools_helped")
    assert {'{"city": "Lisbon"}', '{"zone": "Lisbon", "hours": 21}'} < set(helped["grown"])
    assert helped["calls"] == CALLS


def test_a_reply_is_parsed_by_its_schema(told: Scripts) -> None:
    assert told("openai_responses", "parsed") == [TRIP, TRIP]


def test_a_background_response_is_polled_to_its_end(told: Scripts) -> None:
    background = told("openai_responses", "background")
    assert background["begun"] in ("queued", "in_progress")
    assert (background["status"], background["output_text"]) == ("completed", STEADY)


def test_a_stream_that_was_left_goes_on_where_it_was_left(told: Scripts) -> None:
    events = told("openai_responses", "resumed")
    assert ("".join(deltas(events)), are_numbered(events)) == (STEADY, True)
    helped = told("openai_responses", "resumed_by_helper")
    numbers = helped["numbers"]
    assert (helped["same"], helped["output_text"]) == (True, STEADY)
    assert numbers == list(range(2, numbers[-1] + 1))


def test_a_cancelled_response_has_ended(told: Scripts) -> None:
    assert told("openai_responses", "cancelled") == ["cancelled", "cancelled"]


def test_a_response_and_its_input_are_kept_until_they_are_deleted(told: Scripts) -> None:
    kept = told("openai_responses", "kept")
    assert kept["found"] == kept["reply"]
    assert kept["texts"] == ["one", "two", "three"]
    assert (kept["gone"]["status"], told("openai_responses", "not_kept")["status"]) == (404, 404)


def test_a_conversation_is_kept_changed_and_deleted(told: Scripts) -> None:
    conversation = told("openai_responses", "conversation")
    said = "user: Hi; user: Hello; user: What was said?"
    assert (conversation["said"], conversation["one"], conversation["left"]) == (said, "Hi", 3)
    assert conversation["texts"] == ["Hi", "Hello", "What was said?", said]
    assert conversation["metadata"] == [{"topic": "words"}, {"topic": "other"}]
    assert (conversation["deleted"], conversation["gone"]["status"]) == (True, 404)


@pytest.mark.parametrize("case", ["refused", "refused_stream"])
def test_a_refusal_is_a_bad_request(told: Scripts, case: str) -> None:
    error = told("openai_responses", case)
    assert (error["status"], error["code"]) == (400, "refused")
    assert "I will not." in error["message"]


def test_a_failure_is_an_error_before_the_reply_and_an_event_amid_it(told: Scripts) -> None:
    assert told("openai_responses", "failed")["code"] == "program_error"
    events = told("openai_responses", "failed_midway")["items"]
    assert deltas(events) == ["You "]
    assert (events[-1]["type"], events[-1]["response"]["error"]["code"]) == ("response.failed", "server_error")
