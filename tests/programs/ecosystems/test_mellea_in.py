import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mellea.backends.model_options import ModelOption
from mellea.backends.tools import add_tools_from_model_options, convert_tools_to_json
from mellea.core.base import AbstractMelleaTool
from mellea.serve import ChatMessage

from mserve.errors import ProgramError
from mserve.program import Call
from mserve.programs.ecosystems.mellea import PARAMETERS
from mserve.protocols.chat_completions.decode import decode
from mserve.request import Parameters
from mserve.runs.cancellation import Cancellation

HELLO = [{"role": "user", "content": "hello"}]


def given_to(parameter: str, **body: Any) -> Any:
    request = decode(json.dumps({"messages": HELLO} | body).encode()).runs[0]
    return PARAMETERS[parameter](Call(request=request, cancelled=Cancellation()))


def options_of(**body: Any) -> dict[str, Any]:
    options: dict[str, Any] = given_to("model_options", **body)
    return options


def tool(kind: str, name: str) -> dict[str, Any]:
    if kind in ("function", "custom"):
        return {"type": kind, kind: {"name": name, "description": f"does {name}"}, "further": name}
    return {"type": kind, "name": name, "function": None}


# ---- what clients send

words = st.text(st.characters(codec="utf-8"), max_size=8)
counts = st.integers(0, 2**31)
numbers = st.floats(-2, 2, allow_nan=False)
flags = st.booleans()
objects: st.SearchStrategy[dict[str, Any]] = st.dictionaries(words, words, max_size=2)

UNDER_MELLEAS_KEYS: dict[str, tuple[str, st.SearchStrategy[Any]]] = {
    "temperature": (ModelOption.TEMPERATURE, numbers),
    "max_tokens": (ModelOption.MAX_NEW_TOKENS, counts),
    "max_completion_tokens": (ModelOption.MAX_NEW_TOKENS, counts),
    "seed": (ModelOption.SEED, counts),
    "stop": (ModelOption.STOP_SEQUENCES, words | st.lists(words, max_size=4)),
    "tools": (ModelOption.TOOLS, st.lists(st.builds(lambda name: tool("function", name), words), max_size=2)),
    "tool_choice": (ModelOption.TOOL_CHOICE, st.sampled_from(["none", "auto", "required"])),
}
UNDER_THEIR_NAME: dict[str, st.SearchStrategy[Any]] = {
    "audio": objects,
    "frequency_penalty": numbers,
    "logit_bias": st.dictionaries(words, numbers, max_size=2),
    "logprobs": flags,
    "modalities": st.lists(words, max_size=2),
    "moderation": objects,
    "parallel_tool_calls": flags,
    "prediction": objects,
    "presence_penalty": numbers,
    "reasoning_effort": words,
    "top_logprobs": counts,
    "top_p": numbers,
    "verbosity": words,
    "web_search_options": objects,
}
NOT_AT_ALL: dict[str, st.SearchStrategy[Any]] = {
    "function_call": st.sampled_from(["none", "auto"]),
    "functions": st.just([{"name": "f"}]),
    "metadata": objects,
    "model": words,
    "n": st.just(1),
    "prompt_cache_key": words,
    "prompt_cache_options": objects,
    "prompt_cache_retention": words,
    "response_format": st.just({"type": "text"}),
    "safety_identifier": words,
    "service_tier": words,
    "store": flags,
    "stream_options": st.just({"include_usage": True}),
    "user": words,
}
fields = {name: strategy for name, (_, strategy) in UNDER_MELLEAS_KEYS.items()} | UNDER_THEIR_NAME | NOT_AT_ALL
extras = st.dictionaries(
    words.filter(lambda name: name not in {*Parameters.__struct_fields__, "messages", "requirements", "timeout"}),
    counts,
    max_size=3,
)
sent_fields = st.fixed_dictionaries(
    {}, optional={name: st.none() | strategy for name, strategy in fields.items()} | {"stream": st.none() | flags}
)


# ---- model_options


def as_now(sent: dict[str, Any]) -> dict[str, Any]:
    """Put what an older client sent into today's words; without what it sent as null."""
    known = {name: value for name, value in sent.items() if value is not None}
    newer = {"functions": "tools", "function_call": "tool_choice"}
    return {newer[name]: value for name, value in known.items() if name in newer} | known


def test_each_parameter_of_a_request_has_its_place_in_these_tests() -> None:
    assert {*fields, "stream"} == set(Parameters.__struct_fields__)


@given(sent_fields, extras)
def test_options_are_what_was_sent_and_nothing_else(sent: dict[str, Any], extra: dict[str, Any]) -> None:
    keys = {name: key for name, (key, _) in UNDER_MELLEAS_KEYS.items()} | {name: name for name in UNDER_THEIR_NAME}
    expected = {keys[name] for name, value in as_now(sent).items() if name in keys} | set(extra)
    if sent.get("stream"):
        expected.add(ModelOption.STREAM)
    assert set(options_of(**extra, **sent)) == expected


@given(sent_fields, extras)
def test_values_are_the_clients_own(sent: dict[str, Any], extra: dict[str, Any]) -> None:
    options = options_of(**extra, **sent)
    plain = {name: name for name in UNDER_THEIR_NAME} | {
        "temperature": ModelOption.TEMPERATURE,
        "seed": ModelOption.SEED,
        "tool_choice": ModelOption.TOOL_CHOICE,
    }
    for name, key in plain.items():
        assert options.get(key) == as_now(sent).get(name)
    assert extra.items() <= options.items()


@pytest.mark.parametrize("name", ["extra_headers", "extra_query", "extra_body", "timeout", ModelOption.SYSTEM_PROMPT])
def test_a_client_sets_neither_the_arguments_of_the_sdk_nor_melleas_own_keys(name: str) -> None:
    assert options_of(**{name: {"authorization": "mine"}, "top_k": 3}) == {"top_k": 3}


@pytest.mark.parametrize("stream", [False, None])
def test_a_stream_that_is_not_true_is_no_option(*, stream: bool | None) -> None:
    assert options_of(stream=stream) == {}


def test_a_true_stream_is_melleas_option() -> None:
    assert options_of(stream=True) == {ModelOption.STREAM: True}


def test_a_request_without_parameters_gives_no_options() -> None:
    assert options_of() == {}


@given(counts, counts)
def test_of_two_names_for_one_limit_the_newer_wins(older: int, newer: int) -> None:
    assert options_of(max_tokens=older, max_completion_tokens=newer) == {ModelOption.MAX_NEW_TOKENS: newer}
    assert options_of(max_completion_tokens=newer, max_tokens=older) == {ModelOption.MAX_NEW_TOKENS: newer}
    assert options_of(max_tokens=older, max_completion_tokens=None) == {ModelOption.MAX_NEW_TOKENS: older}


@given(st.lists(words))
def test_stop_is_a_list_however_it_was_sent(stops: list[str]) -> None:
    assert options_of(stop=stops) == {ModelOption.STOP_SEQUENCES: stops}
    for stop in stops:
        assert options_of(stop=stop) == {ModelOption.STOP_SEQUENCES: [stop]}


def test_requirements_have_a_parameter_of_their_own() -> None:
    assert options_of(requirements=["be brief"]) == {}


# ---- tools


@given(st.lists(words.filter(bool), unique=True), st.data())
def test_mellea_takes_every_tool_as_the_client_spelt_it(names: list[str], data: st.DataObject) -> None:
    kinds = st.sampled_from(["function", "custom", "namespace", "name"])
    sent = [tool(data.draw(kinds), name) for name in names]
    taken: dict[str, AbstractMelleaTool[..., Any]] = {}
    add_tools_from_model_options(taken, options_of(tools=sent))
    assert list(taken) == names
    assert convert_tools_to_json(taken) == sent


def test_a_tool_without_a_name_is_called_by_its_type() -> None:
    [made] = options_of(tools=[{"type": "web_search"}])[ModelOption.TOOLS]
    assert made.name == "web_search"


def test_to_run_a_tool_is_the_clients_business() -> None:
    [made] = options_of(tools=[tool("function", "weather")])[ModelOption.TOOLS]
    with pytest.raises(ProgramError, match="return the thunk"):
        made.run(city="Lisbon")


def test_an_older_clients_functions_are_tools() -> None:
    function = {"name": "weather", "parameters": {"type": "object"}}
    [made] = options_of(functions=[function])[ModelOption.TOOLS]
    assert made.as_json_tool == {"type": "function", "function": function}
    assert options_of(functions=[function], function_call={"name": "weather"})[ModelOption.TOOL_CHOICE] == {
        "type": "function",
        "function": {"name": "weather"},
    }


# ---- input

KNOWN_PARTS: list[dict[str, Any]] = [
    {"type": "text", "text": "look"},
    {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "low"}},
    {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
]
UNKNOWN_PARTS: list[dict[str, Any]] = [
    {"type": "file", "file": {"file_id": "f"}},
    {"type": "refusal", "refusal": "no"},
    {"type": "video_url", "video_url": {"url": "https://example.org/a.mp4"}},
    {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "size": 5}},
]
CALLS = [{"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}, "further": 1}]
ROLES = ["developer", "system", "user", "assistant", "tool", "function"]
OWN = frozenset({"role", "content", "name", "tool_calls", "tool_call_id", "function_call", "audio", "refusal"})
further_names = (
    st.sampled_from(["get_text_content", "model_config", "__class__", "__dict__", "__pydantic_extra__", "self"]) | words
)
messages = st.fixed_dictionaries(
    {"role": st.sampled_from(ROLES)},
    optional={
        "content": st.none() | words | st.lists(st.sampled_from(KNOWN_PARTS + UNKNOWN_PARTS), max_size=4),
        "name": st.none() | words,
        "tool_call_id": st.none() | words,
        "tool_calls": st.sampled_from([None, [], CALLS]),
        "function_call": st.sampled_from([None, {"name": "weather", "arguments": "{}", "further": 1}]),
        "audio": st.none() | objects,
        "refusal": st.none() | words,
    },
)
further = st.dictionaries(further_names.filter(lambda name: name not in OWN), counts | words | objects, max_size=3)


def input_of(*sent: dict[str, Any]) -> list[ChatMessage]:
    messages: list[ChatMessage] = given_to("input", messages=list(sent))
    return messages


@given(messages, further)
def test_every_message_that_the_protocol_admits_arrives(sent: dict[str, Any], more: dict[str, Any]) -> None:
    [message] = input_of(more | sent)
    assert isinstance(message, ChatMessage)
    assert message.role == ("system" if sent["role"] == "developer" else sent["role"])
    if isinstance(sent.get("content"), str):
        assert message.get_text_content() == sent["content"]


@given(messages, further)
def test_a_message_keeps_its_calls_and_every_further_key(sent: dict[str, Any], more: dict[str, Any]) -> None:
    [message] = input_of(more | sent)
    kept = message.model_dump(exclude_unset=True)
    for name, value in (more | sent).items():
        assert name in ("role", "content") or kept[name] == value


@given(st.lists(st.sampled_from(KNOWN_PARTS + UNKNOWN_PARTS)))
def test_parts_are_those_that_mellea_has_a_type_for(parts: list[dict[str, Any]]) -> None:
    [message] = input_of({"role": "user", "content": parts})
    assert message.model_dump()["content"] == [part for part in parts if part in KNOWN_PARTS]


def test_messages_stay_in_order_and_the_clients_own_are_untouched() -> None:
    sent = [{"role": role, "content": UNKNOWN_PARTS} for role in ROLES]
    request = decode(json.dumps({"messages": sent}).encode()).runs[0]
    given_messages = PARAMETERS["input"](Call(request=request, cancelled=Cancellation()))
    assert [message.role for message in given_messages] == ["system", *ROLES[1:]]
    assert request.messages == sent
