"""openai-node against a real server, text and schemas: the scripts `openai_text.js` and `openai_schema.js`."""

from itertools import pairwise
from typing import Any

import pytest

from clients.node_scripts import Scripts
from processes import ServerProcess

SAID = "You said: Good morning"
WORDS = ["You ", "said: ", "Good ", "morning"]
TOKENS = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
TRIP = {"city": "Lisbon", "days": 21, "mood": "calm", "stops": [{"name": "Lisbon", "booked": True}]}


@pytest.fixture(scope="module")
def told(agent: ServerProcess) -> Scripts:
    return Scripts(agent.base_url)


def deltas_of(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [choice["delta"] for chunk in chunks for choice in chunk["choices"]]


def reasons_of(chunks: list[dict[str, Any]]) -> list[str | None]:
    return [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"]]


# ---- text


def test_a_whole_reply(told: Scripts) -> None:
    reply = told("openai_text", "whole")
    [choice] = reply["choices"]
    assert choice["message"] == {"role": "assistant", "content": SAID, "refusal": None}
    assert choice["finish_reason"] == "stop"
    assert (reply["object"], reply["model"], reply["usage"]) == ("chat.completion", "agent", TOKENS)


def test_a_stream_chunk_by_chunk(told: Scripts) -> None:
    chunks = told("openai_text", "chunks")
    assert deltas_of(chunks) == [{"role": "assistant"}, *({"content": word} for word in WORDS), {}]
    assert reasons_of(chunks) == [None] * 5 + ["stop"]
    assert len({(chunk["id"], chunk["created"], chunk["model"], chunk["object"]) for chunk in chunks}) == 1
    assert not any("usage" in chunk for chunk in chunks)


def test_usage_comes_in_a_last_chunk_where_it_is_asked_for(told: Scripts) -> None:
    *before, last = told("openai_text", "chunks_with_usage")
    assert (last["choices"], last["usage"]) == ([], TOKENS)
    assert not any("usage" in chunk for chunk in before)


def test_the_stream_helper_grows_its_snapshot_and_ends_with_the_whole(told: Scripts) -> None:
    helped = told("openai_text", "helped")
    assert [event["delta"] for event in helped["deltas"]] == WORDS
    assert [event["snapshot"] for event in helped["deltas"]] == ["".join(WORDS[:n]) for n in range(1, 5)]
    assert helped["names"] == [["content.done", SAID], ["end"]]
    assert helped["content"] == helped["message"]["content"] == SAID
    assert helped["completion"]["choices"][0]["finish_reason"] == "stop"
    assert "usage" not in helped["completion"]


def test_the_stream_helper_has_the_usage_where_it_is_asked_for(told: Scripts) -> None:
    helped = told("openai_text", "helped_with_usage")
    assert helped["completion"]["usage"] == helped["usage"] == TOKENS
    assert helped["content"] == SAID


def test_words_arrive_while_the_program_speaks(told: Scripts) -> None:
    times = told("openai_text", "arrivals")
    assert len(times) == 4
    assert sum(later - earlier > 0.1 for earlier, later in pairwise(times)) >= 2


def test_the_response_behind_a_stream_is_an_event_stream(told: Scripts) -> None:
    assert told("openai_text", "response") == {"status": 200, "type": "text/event-stream; charset=utf-8"}


def test_a_stream_that_is_handed_on_to_a_page_is_whole_there(told: Scripts) -> None:
    assert told("openai_text", "handed_on") == SAID


def test_reasoning_is_beside_the_text_of_a_whole_reply(told: Scripts) -> None:
    message = told("openai_text", "reasoning_whole")["choices"][0]["message"]
    assert message["reasoning_content"] == message["reasoning"] == "Let me think. "
    assert message["content"] == "You said: think of it"


def test_reasoning_comes_in_deltas_of_its_own(told: Scripts) -> None:
    deltas = deltas_of(told("openai_text", "reasoning_chunks"))
    assert deltas[1:4] == [
        {"reasoning_content": "Let me ", "reasoning": "Let me "},
        {"reasoning_content": "think. ", "reasoning": "think. "},
        {"content": "You "},
    ]


def test_reasoning_does_not_get_into_the_helper_s_text(told: Scripts) -> None:
    helped = told("openai_text", "reasoning_helped")
    assert helped["content"] == "".join(event["delta"] for event in helped["deltas"]) == "You said: think of it"


def test_the_model_is_listed_and_found(told: Scripts) -> None:
    [listed] = told("openai_text", "models")
    assert (listed["id"], listed["object"]) == ("agent", "model")
    assert told("openai_text", "model") == listed


# ---- schemas


def test_a_whole_reply_is_parsed_by_its_schema(told: Scripts) -> None:
    assert told("openai_schema", "parsed")["choices"][0]["message"]["parsed"] == TRIP


def test_a_streamed_reply_is_parsed_as_it_grows_and_at_its_end(told: Scripts) -> None:
    streamed = told("openai_schema", "streamed")
    assert streamed["message"]["parsed"] == TRIP
    assert [done["parsed"] for done in streamed["done"]] == [TRIP]
    assert {} in streamed["partial"]
    assert {"city": "Lisbo"} in streamed["partial"]
    assert streamed["partial"][-1] == TRIP


def test_a_json_object_is_asked_for_without_a_schema(told: Scripts) -> None:
    assert told("openai_schema", "json_object")["choices"][0]["message"]["content"] == "{}"
