import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mserve.errors import ClientError
from mserve.protocols import chat_completions
from mserve.protocols.chat_completions import PATH, decode
from mserve.request import Parameters, Request
from protocols.bodies import BODIES, PARAMETERS
from protocols.talks import LIMITS, asked_of

# Those that the server itself turns into others: test_chat_legacy.py has them.
_LEGACY = {"functions", "function_call"}

_USER = {"role": "user", "content": "hi"}


def _decode(**fields: Any) -> Request:
    return asked_of(chat_completions, **fields).request


def _refused(body: bytes) -> ClientError:
    with pytest.raises(ClientError) as caught:
        decode(body, LIMITS)
    assert caught.value.status == 400
    return caught.value


def test_requests_are_posted_where_clients_post_them() -> None:
    assert PATH == "/v1/chat/completions"


def test_each_parameter_has_values_here() -> None:
    assert PARAMETERS.keys() == set(Parameters.__struct_fields__)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in PARAMETERS.items() for value in values])
def test_a_documented_parameter_reaches_the_request_as_sent(name: str, value: object) -> None:
    request = _decode(**{name: value})
    assert request.fields == {name: value}
    assert request.extra == {}
    sent = {known: getattr(request, known) for known in PARAMETERS if getattr(request, known) is not None}
    assert {known: sent[known] for known in sent if known == name or name not in _LEGACY} == {name: value}


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_sent_as_null_is_absent(name: str) -> None:
    request = _decode(**{name: None})
    assert request.fields == {}
    assert getattr(request, name) is None
    assert request.extra == {}


def test_all_parameters_come_together() -> None:
    everything = {name: values[-1] for name, values in PARAMETERS.items()}
    assert _decode(**everything).fields == everything


def test_an_int_stays_an_int_where_a_float_is_meant() -> None:
    assert type(_decode(temperature=1).temperature) is int


@pytest.mark.parametrize("value", [None, 1, [{"a": None}], {"b": "c"}], ids=repr)
@pytest.mark.parametrize("name", ["top_k", "fields", "extra", "request", "self", "", "a`b"])
def test_an_unknown_field_lands_in_extra_as_sent(name: str, value: object) -> None:
    request = _decode(**{name: value})
    assert request.extra == {name: value}
    assert request.fields == {}


@pytest.mark.parametrize(
    "message",
    [
        {"role": "developer", "content": "be brief", "name": "n"},
        {"role": "system", "content": [{"type": "text", "text": "be brief"}]},
        {"role": "user", "content": ""},
        {"role": "user", "content": []},
        {"role": "user"},
        {"role": "user", "content": None, "cache_control": {"type": "ephemeral"}},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "", "annotations": []},
                {"type": "image_url", "image_url": {"url": "data:,", "detail": "low"}},
                {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}},
                {"type": "file", "file": {"file_id": "f"}},
                {"type": "video_url", "video_url": 1},
                {"type": "type"},
            ],
        },
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}], "refusal": "no", "audio": {"id": "a"}},
        {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{"}, "index": 0}]},
        {"role": "assistant", "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "c", "input": ""}}]},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": ""}, "reasoning": "r"},
        {"role": "tool", "content": "1", "tool_call_id": "c"},
        {"role": "function", "name": "f", "content": "1"},
    ],
    ids=lambda message: json.dumps(message)[:60],
)
def test_a_message_reaches_the_request_with_all_its_keys(message: dict[str, Any]) -> None:
    asked = asked_of(chat_completions, messages=[message, _USER])
    assert [run.messages for run in asked.runs] == [[message, _USER]]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": None}, "messages"),
        ({"messages": _USER}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [_USER, {"content": "hi"}]}, "messages[1].role"),
        ({"messages": [{"role": "robot"}]}, "messages[0].role"),
        ({"messages": [{"role": None}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": ["hi"]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [{"text": "hi"}]}]}, "messages[0].content[0].type"),
        *(
            ({"messages": [{"role": "user", "content": [{"type": kind, **part}]}]}, f"messages[0].content[0].{kind}")
            for kind in ("text", "image_url", "input_audio", "file", "refusal")
            for part in ({}, {kind: None}, {kind: 3})
        ),
        *(
            (
                {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": part}]}]},
                f"messages[0].content[0].input_audio.{lack}",
            )
            for part, lack in (({"data": ""}, "format"), ({"format": "wav"}, "data"))
        ),
        (
            {"messages": [_USER, {"role": "user", "content": [{"type": "x"}, {"type": "image_url"}]}]},
            "messages[1].content[1].image_url",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
            "messages[0].content[0].image_url.url",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f"}}]}]},
            "messages[0].tool_calls[0].function.arguments",
        ),
        ({"messages": [{"role": "assistant", "tool_calls": [{"type": "function"}]}]}, "messages[0].tool_calls[0].id"),
        ({"model": 3}, "model"),
        ({"stream": "yes"}, "stream"),
        ({"stream": 1}, "stream"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": 10**400}, "temperature"),
        ({"seed": 1.5}, "seed"),
        *(({"n": value}, "n") for value in (True, 0, -1, 129, 1.5, 2.0, "2", [1])),
        ({"stop": 3}, "stop"),
        ({"stop": ["a", None]}, "stop[1]"),
        ({"modalities": "text"}, "modalities"),
        ({"tools": {}}, "tools"),
        ({"tools": [{}]}, "tools[0].type"),
        ({"tools": [{"type": "x"}, {"type": "function"}]}, "tools[1].function"),
        ({"tools": [{"type": "function", "function": {"description": "d"}}]}, "tools[0].function.name"),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": []}}]},
            "tools[0].function.parameters",
        ),
        ({"tools": [{"type": "custom"}]}, "tools[0].custom"),
        ({"tool_choice": "any"}, "tool_choice"),
        *(
            ({"messages": [{"role": "assistant", "tool_calls": [{"id": "c", "type": kind, **call}]}]}, place)
            for kind in ("function", "custom")
            for place in (f"messages[0].tool_calls[0].{kind}",)
            for call in ({}, {kind: None}, {kind: 3})
        ),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": "c"}]}]}, "messages[0].tool_calls[0].function"),
        *(
            ({"tool_choice": {"type": kind, **choice}}, f"tool_choice.{kind}")
            for kind in ("function", "custom", "allowed_tools")
            for choice in ({}, {kind: None}, {kind: 3})
        ),
        ({"tool_choice": {"type": "function", "function": {}}}, "tool_choice.function.name"),
        ({"tool_choice": {"type": "custom", "custom": {"name": 3}}}, "tool_choice.custom.name"),
        ({"tool_choice": {"type": "allowed_tools", "allowed_tools": {"tools": []}}}, "tool_choice.allowed_tools.mode"),
        (
            {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "none"}}},
            "tool_choice.allowed_tools.mode",
        ),
        (
            {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto"}}},
            "tool_choice.allowed_tools.tools",
        ),
        ({"tool_choice": {}}, "tool_choice.type"),
        ({"tool_choice": {"type": "function", "function": "f"}}, "tool_choice.function"),
        ({"function_call": {}}, "function_call.name"),
        ({"function_call": "required"}, "function_call"),
        ({"functions": [{}]}, "functions[0].name"),
        ({"functions": [None]}, "functions[0]"),
        ({"functions": {"name": "f"}}, "functions"),
        ({"logprobs": 5}, "logprobs"),
        ({"top_logprobs": "5"}, "top_logprobs"),
        ({"metadata": {"a": 1}}, "metadata[...]"),
        ({"service_tier": 1}, "service_tier"),
        ({"response_format": {"type": "yaml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format.json_schema.name"),
        ({"stream_options": True}, "stream_options"),
        ({"stream_options": {"include_usag": True}}, "stream_options.include_usag"),
        ({"stream_options": {"include_usage": "yes"}}, "stream_options.include_usage"),
        ({"stream_options": {"continuous_usage_stats": True}}, "stream_options.continuous_usage_stats"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_fit_is_refused_with_its_place(fields: dict[str, Any], param: str) -> None:
    error = _refused(json.dumps({"messages": [_USER], **fields}).encode())
    assert error.param == param
    assert error.message.startswith(f"{param}: ")


def test_missing_messages_are_refused_with_their_name() -> None:
    assert _refused(b"{}").param == "messages"


@pytest.mark.parametrize(
    "word", ["a` - at `$.b", "Object missing required field `x`", "a`b", "\n", "\u2028", ""], ids=repr
)
def test_the_clients_own_words_never_pass_for_a_place(word: str) -> None:
    assert _refused(json.dumps({"messages": [{"role": word}]}).encode()).param == "messages[0].role"
    typo = {"messages": [_USER], "stream_options": {word: True}}
    assert _refused(json.dumps(typo).encode()).param == f"stream_options.{word}"


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"messages":"\xff"}', b'{"a":"\\ud800"}', b"[" * 100_000], ids=len)
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    assert _refused(body).code == "invalid_json"


def test_the_last_of_two_equal_parameters_counts() -> None:
    assert decode(b'{"messages":[{"role":"user"}],"seed":"x","seed":2}').request.fields == {"seed": 2}


def test_depth_is_refused_or_read_but_never_a_crash() -> None:
    depths = [10, *range(850, 1000, 7), 100_000]
    bodies = [b'{"messages":[{"role":"user"}],"audio":' + b'{"a":' * n + b"1" + b"}" * n + b"}" for n in depths]
    read = [_is_read(body) for body in bodies]
    assert read == sorted(read, reverse=True)
    assert (read[0], read[-1]) == (True, False)


def _is_read(body: bytes) -> bool:
    try:
        decode(body, LIMITS)
    except ClientError as error:
        if error.status != 400:
            raise
        return False
    return True


@settings(deadline=None)
@given(st.binary() | st.builds(lambda start, rest: start + rest, st.sampled_from([b"{", b'{"messages":']), st.binary()))
def test_any_bytes_are_a_request_or_a_400(body: bytes) -> None:
    assert _is_read(body) in (True, False)


@settings(deadline=None, max_examples=100)
@given(BODIES)
def test_any_object_is_a_request_that_keeps_all_of_it_or_a_400(sent: dict[str, Any]) -> None:
    body = json.dumps(sent).encode()
    if _is_read(body):
        asked = decode(body, LIMITS)
        request, messages = asked.request, asked.runs[0].messages
        nulls = {name for name, value in sent.items() if value is None and name in PARAMETERS}
        kept = {"messages": messages, **request.fields, **request.extra}
        assert kept == {name: value for name, value in sent.items() if name not in nulls}
