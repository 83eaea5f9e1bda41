"""The Vercel AI SDK against a real server, by each of its providers: the scripts `node/ai_sdk_*.js`."""

from itertools import pairwise
from typing import Any

import pytest

from clients.node_scripts import Scripts
from processes import ServerProcess

SAID = "You said: Good morning"
WORDS = ["You ", "said: ", "Good ", "morning"]
CALLS = [["call_0", "weather", {"city": "Lisbon"}], ["call_1", "clock", {"zone": "Lisbon", "hours": 21}]]
RAN = [call[1:] for call in CALLS]
RESULTS = [["call_0", "rain in Lisbon"], ["call_1", "21 o'clock in Lisbon"]]
RETOLD = "The tools said: rain in Lisbon and 21 o'clock in Lisbon"
TRIP = {"city": "Lisbon", "days": 21, "mood": "calm", "stops": [{"name": "Lisbon", "booked": True}]}
SECRET = "this text is for the log alone"
LIMIT = 1.0
"""Seconds until the program knows that its client left; nobody stops it for sixteen."""
FAILURES = {("server_error", "program_error"), ("response.failed", "server_error")}
"""The type and the code of a failure amid a stream, by chat completions and by the Responses API."""
REFUSAL = {"message": "I will not.", "status": 400, "isRetryable": False}


@pytest.fixture(scope="module")
def compatible(agent: ServerProcess) -> Scripts:
    return Scripts(agent.base_url, "compatible")


@pytest.fixture(scope="module")
def openai(agent: ServerProcess) -> Scripts:
    return Scripts(agent.base_url, "openai")


@pytest.fixture(scope="module")
def responses(agent: ServerProcess) -> Scripts:
    return Scripts(agent.base_url, "responses")


@pytest.fixture(scope="module", params=["openai", "compatible", "responses"])
def told(request: pytest.FixtureRequest) -> Scripts:
    """Each provider in turn."""
    made: Scripts = request.getfixturevalue(request.param)
    return made


def of_type(parts: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [part for part in parts if part["type"] == kind]


def texts(parts: list[dict[str, Any]], kind: str) -> list[str]:
    return [part["text"] for part in of_type(parts, kind)]


def tokens(usage: dict[str, Any]) -> tuple[int, int, int]:
    return usage["inputTokens"], usage["outputTokens"], usage["totalTokens"]


# ---- text


def test_a_whole_reply(told: Scripts) -> None:
    reply = told("ai_sdk_text", "whole")
    assert (reply["text"], reply["finishReason"], reply["modelId"]) == (SAID, "stop", "agent")
    [part] = reply["content"]
    assert (part["type"], part["text"]) == ("text", SAID)
    assert reply["id"].startswith(("chatcmpl-", "resp_"))
    assert reply["warnings"] == []


def test_a_stream_word_by_word(told: Scripts) -> None:
    reply = told("ai_sdk_text", "streamed")
    assert texts(reply["parts"], "text-delta") == WORDS
    kinds = [part["type"] for part in reply["parts"] if part["type"] != "text-delta"]
    assert kinds == ["start", "start-step", "text-start", "text-end", "finish-step", "finish"]
    assert (reply["text"], reply["finishReason"], reply["modelId"]) == (SAID, "stop", "agent")
    assert reply["warnings"] == []


@pytest.mark.parametrize("way", ["whole", "streamed"])
def test_the_tokens_are_told_both_ways(told: Scripts, way: str) -> None:
    assert tokens(told("ai_sdk_text", way)["usage"]) == (7, 5, 12)


def test_tokens_that_were_not_asked_for_are_not_told(compatible: Scripts) -> None:
    reply = compatible("ai_sdk_text", "streamed_without_usage")
    assert "inputTokens" not in reply["usage"]
    assert (reply["text"], reply["finishReason"]) == (SAID, "stop")


@pytest.mark.parametrize("provider", ["openai", "compatible"])
def test_a_conversation_with_settings_is_answered_and_stops_where_it_should(
    request: pytest.FixtureRequest, provider: str
) -> None:
    told: Scripts = request.getfixturevalue(provider)
    assert told("ai_sdk_text", "conversation") == {"text": "You said: And ", "warnings": []}


def test_a_conversation_is_answered_where_the_provider_knows_fewer_settings(responses: Scripts) -> None:
    reply = responses("ai_sdk_text", "conversation")
    assert reply["text"] == "You said: And now?"
    assert [warning["feature"] for warning in reply["warnings"]] == ["seed", "stopSequences"]


def test_words_arrive_while_the_program_speaks(told: Scripts) -> None:
    times = told("ai_sdk_text", "arrivals")
    assert len(times) == 4
    assert sum(later - earlier > 0.1 for earlier, later in pairwise(times)) >= 2


def test_reasoning_is_a_part_of_a_whole_reply(compatible: Scripts) -> None:
    reply = compatible("ai_sdk_text", "thought")
    assert reply["reasoningText"] == "Let me think. "
    assert reply["text"] == "You said: think of it"


def test_reasoning_streams_ahead_of_the_text(compatible: Scripts) -> None:
    reply = compatible("ai_sdk_text", "thought_streamed")
    assert texts(reply["parts"], "reasoning-delta") == ["Let me ", "think. "]
    kinds = [part["type"] for part in reply["parts"]]
    assert kinds.index("reasoning-end") < kinds.index("text-start")
    assert (reply["reasoningText"], reply["text"]) == ("Let me think. ", "You said: think of it")


@pytest.mark.parametrize("way", ["thought", "thought_streamed"])
def test_the_provider_that_knows_no_reasoning_has_the_text_alone(openai: Scripts, way: str) -> None:
    reply = openai("ai_sdk_text", way)
    assert "reasoningText" not in reply
    assert reply["text"] == "You said: think of it"


def test_a_chat_window_gets_reasoning_text_and_the_finish(compatible: Scripts) -> None:
    parts = compatible("ai_sdk_text", "for_a_page")
    assert [part["delta"] for part in of_type(parts, "reasoning-delta")] == ["Let me ", "think. "]
    assert "".join(part["delta"] for part in of_type(parts, "text-delta")) == "You said: think of it"
    assert parts[-1] == {"type": "finish", "finishReason": "stop"}


# ---- tools


@pytest.mark.parametrize("way", ["whole", "streamed"])
def test_two_tools_run_and_the_next_step_retells_them(told: Scripts, way: str) -> None:
    reply = told("ai_sdk_tools", way)
    calling, retelling = reply["steps"]
    assert (calling["finishReason"], calling["calls"], calling["results"]) == ("tool-calls", CALLS, RESULTS)
    assert (retelling["finishReason"], retelling["calls"], retelling["text"]) == ("stop", [], RETOLD)
    assert reply["ran"] == RAN
    assert reply["text"] == RETOLD


@pytest.mark.parametrize("way", ["whole", "streamed"])
def test_the_tokens_of_all_steps_are_added_up(told: Scripts, way: str) -> None:
    reply = told("ai_sdk_tools", way)
    assert [tokens(step["usage"]) for step in reply["steps"]] == [(7, 5, 12)] * 2
    assert tokens(reply["usage"]) == (14, 10, 24)


def test_a_call_s_arguments_stream_piece_by_piece(told: Scripts) -> None:
    parts = told("ai_sdk_tools", "streamed")["parts"]
    for identity, name, arguments in (
        ("call_0", "weather", '{"city": "Lisbon"}'),
        ("call_1", "clock", '{"zone": "Lisbon", "hours": 21}'),
    ):
        [start] = [part for part in of_type(parts, "tool-input-start") if part["id"] == identity]
        pieces = [part["delta"] for part in of_type(parts, "tool-input-delta") if part["id"] == identity]
        assert start["toolName"] == name
        assert len(pieces) > 2
        assert "".join(pieces) == arguments


def test_the_loop_stops_where_it_is_told_to(told: Scripts) -> None:
    [step] = told("ai_sdk_tools", "one_step")["steps"]
    assert (step["finishReason"], step["results"]) == ("tool-calls", RESULTS)
    [step] = told("ai_sdk_tools", "until_called")["steps"]
    assert (step["finishReason"], step["results"]) == ("tool-calls", RESULTS)


@pytest.mark.parametrize(("choice", "ran"), [("required", RAN[:1]), ("named", RAN[1:]), ("none", [])])
def test_the_choice_of_a_tool_reaches_the_program(told: Scripts, choice: str, ran: list[Any]) -> None:
    assert told("ai_sdk_tools", choice)["ran"] == ran


def test_thoughts_of_each_step_are_kept_beside_its_calls(compatible: Scripts) -> None:
    reply = compatible("ai_sdk_tools", "thought")
    assert texts(reply["parts"], "reasoning-delta") == ["Let me ", "think. "] * 2
    assert [step["calls"] for step in reply["steps"]] == [CALLS, []]
    assert reply["text"] == RETOLD


# ---- schemas


SCHEMA_WAYS = pytest.mark.parametrize(("script", "name"), [("ai_sdk_schema", "output"), ("ai_sdk_object", "object")])


@SCHEMA_WAYS
def test_a_whole_reply_is_parsed_by_its_schema(told: Scripts, script: str, name: str) -> None:
    reply = told(script, "whole")
    assert reply[name] == TRIP
    assert reply["warnings"] == []
    assert tokens(reply["usage"]) == (7, 5, 12)


@SCHEMA_WAYS
def test_a_streamed_reply_is_parsed_as_it_grows_and_at_its_end(told: Scripts, script: str, name: str) -> None:
    reply = told(script, "streamed")
    assert reply[name] == reply["partial"][-1] == TRIP
    assert {"city": "Lisbo"} in reply["partial"]
    assert tokens(reply["usage"]) == (7, 5, 12)


def test_arrays_and_choices_are_parsed_too(told: Scripts) -> None:
    assert told("ai_sdk_schema", "array") == {"output": [TRIP]}
    assert told("ai_sdk_schema", "array_streamed") == {"elements": [TRIP]}
    assert told("ai_sdk_schema", "choice") == {"output": "calm"}


# ---- refusals and failures


def test_a_client_error_is_a_call_error_that_is_not_asked_again(told: Scripts) -> None:
    threw = told("ai_sdk_errors", "refused_whole")["threw"]
    assert threw["name"] == "AI_APICallError"
    assert threw.items() >= REFUSAL.items()


def test_a_client_error_ends_a_stream_before_its_first_step(told: Scripts) -> None:
    refused = told("ai_sdk_errors", "refused_stream")
    [error] = refused["errors"]
    assert error.items() >= REFUSAL.items()
    assert [part["type"] for part in refused["parts"]] == ["start", "error"]
    assert refused["finished"] == []


def test_a_client_error_in_the_middle_is_an_error_after_the_thoughts_so_far(compatible: Scripts) -> None:
    refused = compatible("ai_sdk_errors", "refused_midway")
    [error] = refused["errors"]
    assert (error["message"], error["code"]) == ("I will not.", "refused")
    assert texts(refused["parts"], "reasoning-delta") == ["Let me ", "think. "]
    assert refused["finishReason"] == "error"


def test_a_client_error_in_the_middle_is_an_error_where_no_thoughts_are_known(openai: Scripts) -> None:
    refused = openai("ai_sdk_errors", "refused_midway")
    assert [error["message"] for error in refused["errors"]] == ["I will not."]
    assert refused["finished"] == []


@pytest.mark.parametrize("script", ["ai_sdk_errors", "ai_sdk_object"])
def test_a_failed_program_is_a_server_error(told: Scripts, script: str) -> None:
    threw = told(script, "failed_whole")["threw"]
    assert (threw["name"], threw["status"]) == ("AI_APICallError", 500)
    assert SECRET not in threw["message"]


def test_a_failure_in_the_middle_is_an_error_and_the_finish_says_so(told: Scripts) -> None:
    failed = told("ai_sdk_errors", "failed_midway")
    [error] = failed["errors"]
    assert (error["type"], error["code"]) in FAILURES
    assert SECRET not in error["message"]
    assert texts(failed["parts"], "text-delta") == ["You "]
    assert [part["error"] for part in of_type(failed["parts"], "error")] == [error]
    assert failed["finishReason"] == failed["parts"][-1]["finishReason"] == "error"
    assert failed["finished"] == ["error"]


@SCHEMA_WAYS
def test_no_object_is_made_of_a_failed_reply(told: Scripts, script: str, name: str) -> None:
    failed = told(script, "failed_midway")
    assert name not in failed
    [error] = failed["errors"]
    assert (error["type"], error["code"]) in FAILURES
    assert failed["threw"] is not None


def test_a_call_that_was_cut_off_does_not_run(told: Scripts) -> None:
    failed = told("ai_sdk_errors", "failed_tools")
    [error] = failed["errors"]
    assert (error["type"], error["code"]) in FAILURES
    assert (failed["ran"], failed["finishReason"]) == ([], "error")


def test_after_all_failures_the_server_answers_and_its_log_has_the_reason(told: Scripts, agent: ServerProcess) -> None:
    assert told("ai_sdk_errors", "after_all") == "You said: Still there?"
    assert SECRET in agent.output


# ---- clients that leave


def test_the_program_hears_of_a_client_that_leaves_a_stream(told: Scripts) -> None:
    left = told("ai_sdk_abort", "left_streamed")
    assert left["heard"] == WORDS[:2]
    assert (left["types"][-1], left["aborted"]) == ("abort", ["aborted"])
    assert left["seconds"] is not None
    assert left["seconds"] < LIMIT


def test_the_program_hears_of_a_client_that_leaves_before_its_reply(told: Scripts) -> None:
    left = told("ai_sdk_abort", "left_whole")
    assert left["threw"]["name"] == "TimeoutError"
    assert left["seconds"] is not None
    assert left["seconds"] < LIMIT


# ---- the Responses API


@pytest.fixture(scope="module")
def alone(agent: ServerProcess) -> Scripts:
    return Scripts(agent.base_url)


def test_thoughts_are_the_summary_that_the_provider_asks_for(alone: Scripts) -> None:
    whole, streamed = alone("ai_sdk_responses", "thought"), alone("ai_sdk_responses", "thought_streamed")
    text = "You said: think of it"
    assert whole == {"text": text, "reasoningText": "Let me think. ", "kinds": ["reasoning", "text"]}
    assert streamed["reasoning"] == ["Let me ", "think. "]
    assert ("".join(streamed["words"]), streamed["text"]) == (text, text)


def test_a_loop_of_tools_means_what_was_said_by_its_id(alone: Scripts) -> None:
    loop = alone("ai_sdk_responses", "loop_by_reference")
    assert (loop["text"], loop["ran"]) == (RETOLD, RAN)
    assert loop["kinds"][:2] == ["user", "item_reference"]


def test_a_loop_of_tools_says_all_again_where_nothing_is_stored(alone: Scripts) -> None:
    loop = alone("ai_sdk_responses", "loop_without_store")
    assert (loop["text"], loop["ran"]) == (RETOLD, RAN)
    assert loop["kinds"][-4:] == [*["function_call"] * 2, *["function_call_output"] * 2]
    assert "item_reference" not in loop["kinds"]


def test_a_conversation_goes_on_from_a_response(alone: Scripts) -> None:
    told = "user: Good morning; assistant: You said: Good morning; user: What was said?"
    assert alone("ai_sdk_responses", "previous") == told


def test_a_custom_tool_gets_a_text(alone: Scripts) -> None:
    assert alone("ai_sdk_responses", "custom") == [["note", "Note the weather"]]


def test_a_response_is_found_with_what_was_written_on_it(alone: Scripts) -> None:
    found = {"metadata": {"topic": "weather"}, "status": "completed", "user": "somebody"}
    assert alone("ai_sdk_responses", "left_to_be_found") == found
