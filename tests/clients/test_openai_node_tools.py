"""openai-node against a real server, tools and the loop that runs them: the script `openai_tools.js`."""

import pytest

from clients.node_scripts import Scripts
from processes import ServerProcess

TOKENS = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
ARGUMENTS = {"weather": '{"city": "Lisbon"}', "clock": '{"zone": "Lisbon", "hours": 21}'}
RAN = [["weather", {"city": "Lisbon"}], ["clock", {"zone": "Lisbon", "hours": 21}]]
RETOLD = "The tools said: rain in Lisbon and 21 o'clock in Lisbon"


@pytest.fixture(scope="module")
def told(agent: ServerProcess) -> Scripts:
    return Scripts(agent.base_url)


def test_a_whole_reply_calls_two_tools_at_once(told: Scripts) -> None:
    [choice] = told("openai_tools", "whole")["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert choice["message"]["tool_calls"] == [
        {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for number, (name, arguments) in enumerate(ARGUMENTS.items())
    ]


@pytest.mark.parametrize(("choice", "called"), [("required", ["weather"]), ("named", ["clock"]), ("none", [])])
def test_the_choice_of_a_tool_reaches_the_program(told: Scripts, choice: str, called: list[str]) -> None:
    [reply] = told("openai_tools", choice)["choices"]
    calls = reply["message"].get("tool_calls", [])
    assert [call["function"]["name"] for call in calls] == called
    assert reply["finish_reason"] == ("tool_calls" if called else "stop")


def test_a_call_s_first_delta_names_it_and_the_others_carry_its_arguments(told: Scripts) -> None:
    choices = [choice for chunk in told("openai_tools", "chunks") for choice in chunk["choices"]]
    pieces = [piece for choice in choices[1:-1] for piece in choice["delta"]["tool_calls"]]
    for index, (name, arguments) in enumerate(ARGUMENTS.items()):
        first, *others = [piece for piece in pieces if piece["index"] == index]
        assert (first["id"], first["type"], first["function"]["name"]) == (f"call_{index}", "function", name)
        assert all(set(piece) == {"index", "function"} and set(piece["function"]) == {"arguments"} for piece in others)
        assert "".join(piece["function"]["arguments"] for piece in [first, *others]) == arguments
    assert choices[-1]["finish_reason"] == "tool_calls"


def test_the_stream_helper_tells_the_arguments_as_they_grow_and_each_call_when_it_is_done(told: Scripts) -> None:
    helped = told("openai_tools", "helped")
    for index, (name, arguments) in enumerate(ARGUMENTS.items()):
        events = [event for event in helped["deltas"] if event["index"] == index]
        assert len(events) > 2
        assert {event["name"] for event in events} == {name}
        assert "".join(event["arguments_delta"] for event in events) == events[-1]["arguments"] == arguments
    assert [(event["name"], event["index"], event["arguments"]) for event in helped["done"]] == [
        ("weather", 0, ARGUMENTS["weather"]),
        ("clock", 1, ARGUMENTS["clock"]),
    ]
    assert helped["call"] == {"name": "clock", "arguments": ARGUMENTS["clock"]}
    assert helped["completion"]["choices"][0]["finish_reason"] == "tool_calls"
    assert helped["completion"]["usage"] == TOKENS


def test_the_stream_helper_parses_the_arguments_by_their_schema(told: Scripts) -> None:
    helped = told("openai_tools", "helped_with_zod")
    assert [[event["name"], event["parsed_arguments"]] for event in helped["done"]] == RAN
    functions = [call["function"] for call in helped["message"]["tool_calls"]]
    assert [[function["name"], function["parsed_arguments"]] for function in functions] == RAN


@pytest.mark.parametrize("way", ["run_whole", "run_streamed", "run_with_zod"])
def test_the_loop_runs_the_tools_and_hears_their_results_retold(told: Scripts, way: str) -> None:
    looped = told("openai_tools", way)
    assert looped["ran"] == RAN
    assert looped["results"] == ["rain in Lisbon", "21 o'clock in Lisbon"]
    assert looped["content"] == RETOLD
    assert [message["role"] for message in looped["messages"]] == ["user", "assistant", "tool", "tool", "assistant"]
    reasons = [completion["choices"][0]["finish_reason"] for completion in looped["completions"]]
    assert reasons == ["tool_calls", "stop"]


@pytest.mark.parametrize("way", ["run_whole", "run_streamed"])
def test_the_loop_adds_up_the_tokens_of_its_rounds(told: Scripts, way: str) -> None:
    assert told("openai_tools", way)["usage"] == {name: 2 * tokens for name, tokens in TOKENS.items()}


def test_the_streamed_loop_says_its_last_round_word_by_word(told: Scripts) -> None:
    said = told("openai_tools", "run_streamed")["said"]
    assert len(said) == len(RETOLD.split())
    assert "".join(said) == RETOLD
