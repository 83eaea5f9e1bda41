import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mserve.errors import ClientError
from mserve.options import Limits
from mserve.protocols import responses
from mserve.protocols.base import Asked, Keeping
from mserve.protocols.responses import PATH, decode
from mserve.request import Parameters, Request
from protocols.bodies import RESPONSE_BODIES, RESPONSE_PARAMETERS
from protocols.golden import ENVELOPE
from protocols.talks import LIMITS, asked_of

_CASES = [(name, value, gets) for name, cases in RESPONSE_PARAMETERS.items() for value, gets in cases]
_LACKING: list[tuple[str, dict[str, Any], str]] = [
    ("message", {"content": ""}, "role"),
    ("message", {"role": "user"}, "content"),
    ("function_call", {"name": "f", "arguments": "{}"}, "call_id"),
    ("function_call", {"call_id": "c", "arguments": "{}"}, "name"),
    ("function_call", {"call_id": "c", "name": "f"}, "arguments"),
    ("function_call", {"call_id": "c", "name": "f", "arguments": {}}, "arguments"),
    ("function_call_output", {"output": ""}, "call_id"),
    ("function_call_output", {"call_id": "c"}, "output"),
    ("function_call_output", {"call_id": "c", "output": {}}, "output"),
    ("custom_tool_call", {"name": "f", "input": ""}, "call_id"),
    ("custom_tool_call", {"call_id": "c", "input": ""}, "name"),
    ("custom_tool_call", {"call_id": "c", "name": "f"}, "input"),
    ("custom_tool_call_output", {"output": ""}, "call_id"),
    ("custom_tool_call_output", {"call_id": "c"}, "output"),
    ("item_reference", {}, "id"),
    ("reasoning", {"summary": "hm"}, "summary"),
]


def _asked(**sent: Any) -> Asked:
    return asked_of(responses, **sent)


def _run(**sent: Any) -> Request:
    (run,) = _asked(**sent).runs
    return run


def _keeping(**sent: Any) -> Keeping:
    keeping = _asked(**sent).keeping
    assert keeping is not None
    return keeping


def _refused(body: bytes, limits: Limits = LIMITS) -> ClientError:
    with pytest.raises(ClientError) as caught:
        decode(body, limits)
    assert caught.value.status == 400
    return caught.value


def _read(body: bytes) -> Asked | None:
    """Read a request; None for one that is refused, as a client's fault."""
    try:
        return decode(body, LIMITS)
    except ClientError as error:
        if error.status != 400:
            raise
        return None


def _response(asked: Asked) -> Any:
    return json.loads(responses.whole(ENVELOPE, asked.for_reply()).close(0))


def test_requests_are_posted_where_clients_post_them() -> None:
    assert PATH == "/v1/responses"


def test_the_least_request_sets_nothing_that_was_not_sent() -> None:
    run = _run()
    assert run == Request(messages=[{"role": "user", "content": "hi"}])
    assert (run.fields, run.extra) == ({}, {})


# ---- parameters


@pytest.mark.parametrize(("name", "value", "gets"), _CASES)
def test_a_documented_parameter_reaches_the_program_by_the_name_that_it_reads(
    name: str, value: object, gets: dict[str, Any]
) -> None:
    asked = _asked(**{name: value})
    for request in (asked.request, *asked.runs):
        assert request.fields == gets
        assert request.extra == {}
        known = {field: getattr(request, field) for field in Parameters.__struct_fields__}
        assert {field: sent for field, sent in known.items() if sent is not None} == gets


@pytest.mark.parametrize("name", RESPONSE_PARAMETERS)
def test_a_parameter_sent_as_null_is_absent(name: str) -> None:
    asked, nothing = _asked(**{name: None}), _asked()
    assert asked == nothing
    assert _response(asked) == _response(nothing)


def test_all_parameters_come_together() -> None:
    alone = {"conversation", "previous_response_id", "background", "store"}
    everything = {name: cases[-1][0] for name, cases in RESPONSE_PARAMETERS.items() if name not in alone}
    gets = {name: value for cases in RESPONSE_PARAMETERS.values() for name, value in cases[-1][1].items()}
    del gets["store"]
    assert _run(**everything).fields == gets


def test_an_int_stays_an_int_where_a_float_is_meant() -> None:
    assert type(_run(temperature=1).temperature) is int


@pytest.mark.parametrize("value", [None, 1, [{"a": None}], {"b": "c"}], ids=repr)
@pytest.mark.parametrize("name", ["client_metadata", "top_k", "fields", "extra", "self", "", "a`b"])
def test_an_unknown_field_lands_in_extra_as_sent(name: str, value: object) -> None:
    run = _run(**{name: value})
    assert run.extra == {name: value}
    assert run.fields == {}


_OTHERS: list[dict[str, Any]] = [
    {"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot", "image_url": "data:,"}},
    {"type": "shell_call_output", "call_id": "c", "output": [{"stdout": "", "outcome": {"type": "exit"}}]},
    {"type": "tool_search_call", "call_id": None, "arguments": {"query": "x"}, "name": 3, "role": "tool"},
    {"type": "x", "id": 3, "content": {}, "summary": "hm", "input": []},
]


@pytest.mark.parametrize("item", _OTHERS, ids=lambda item: item["type"])
def test_an_item_of_an_unknown_type_is_no_message_and_is_kept_whatever_it_holds(item: dict[str, Any]) -> None:
    said = {"role": "user", "content": "hi"}
    asked = _asked(input=[item, said])
    assert [run.messages for run in asked.runs] == [[said]]
    assert asked.keeping is not None
    assert asked.keeping.items == [item, said]


def test_a_tool_of_an_unknown_type_reaches_the_program_and_the_answer_whatever_it_holds() -> None:
    tools = [{"type": "namespace", "name": {"a": 1}, "description": 3, "parameters": "x", "tools": [{"type": "x"}]}]
    asked = _asked(tools=tools)
    assert [run.tools for run in asked.runs] == [tools]
    assert _response(asked)["tools"] == tools


def test_several_answers_are_nothing_that_this_protocol_has() -> None:
    asked = _asked(n=3)
    assert len(asked.runs) == 1
    assert asked.runs[0].n is None
    assert asked.runs[0].extra == {}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": 3}, "input"),
        ({"input": {"role": "user", "content": "hi"}}, "input"),
        ({"input": ["hi"]}, "input[0]"),
        ({"input": [{}]}, "input[0].role"),
        ({"input": [{"content": "hi"}]}, "input[0].role"),
        ({"input": [{"role": "user"}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": None}]}, "input[0].content"),
        ({"input": [{"role": "tool", "content": "hi"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": 3}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": ["hi"]}]}, "input[0].content[0]"),
        ({"input": [{"role": "user", "content": [{"text": "hi"}]}]}, "input[0].content[0].type"),
        *(
            ({"input": [{"role": "user", "content": [{"type": "x"}, {"type": kind, **part}]}]}, place)
            for kind in ("input_text", "output_text")
            for place in ("input[0].content[1].text",)
            for part in ({}, {"text": None}, {"text": 3})
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": {"url": "data:,"}}]}]},
            "input[0].content[0].image_url",
        ),
        *(({"input": [{"type": kind} | item]}, f"input[0].{lack}") for kind, item, lack in _LACKING),
        ({"instructions": ["be brief"]}, "instructions"),
        ({"model": 3}, "model"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options.include_usage"),
        ({"stream_options": {"include_obfuscation": 1}}, "stream_options.include_obfuscation"),
        ({"background": "yes"}, "background"),
        ({"background": True, "store": False}, "background"),
        ({"conversation": 3}, "conversation"),
        ({"conversation": {}}, "conversation.id"),
        ({"conversation": "c", "previous_response_id": "r"}, "previous_response_id"),
        ({"previous_response_id": 3}, "previous_response_id"),
        ({"store": 1}, "store"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": 10**400}, "temperature"),
        ({"seed": 1.5}, "seed"),
        ({"stop": ["a", None]}, "stop[1]"),
        ({"stop": ["a"] * 65}, "stop"),
        ({"max_output_tokens": "7"}, "max_output_tokens"),
        ({"max_tool_calls": 1.5}, "max_tool_calls"),
        ({"top_logprobs": "5"}, "top_logprobs"),
        ({"tools": {}}, "tools"),
        ({"tools": [{}]}, "tools[0].type"),
        ({"tools": [{"type": "x"}, {"type": "function"}]}, "tools[1].name"),
        ({"tools": [{"type": "custom", "name": None}]}, "tools[0].name"),
        ({"tools": [{"type": "function", "name": "f", "parameters": []}]}, "tools[0].parameters"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools[0].name"),
        ({"tool_choice": "any"}, "tool_choice"),
        ({"tool_choice": {}}, "tool_choice.type"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.name"),
        ({"tool_choice": {"type": "custom", "name": 3}}, "tool_choice.name"),
        ({"tool_choice": {"type": "allowed_tools", "tools": []}}, "tool_choice.mode"),
        ({"tool_choice": {"type": "allowed_tools", "mode": "none", "tools": []}}, "tool_choice.mode"),
        ({"tool_choice": {"type": "allowed_tools", "mode": "auto"}}, "tool_choice.tools"),
        ({"include": "all"}, "include"),
        ({"include": [3]}, "include[0]"),
        ({"reasoning": "high"}, "reasoning"),
        ({"reasoning": {"effort": 3}}, "reasoning.effort"),
        ({"text": "json"}, "text"),
        ({"text": {"format": {"type": "yaml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format.name"),
        ({"text": {"format": {"type": "json_schema", "name": "s"}}}, "text.format.schema"),
        ({"text": {"format": {"type": "json_schema", "schema": {}}}}, "text.format.name"),
        ({"text": {"verbosity": 3}}, "text.verbosity"),
        ({"truncation": "some"}, "truncation"),
        ({"metadata": {"a": 1}}, "metadata[...]"),
        ({"service_tier": 1}, "service_tier"),
        ({"user": 3}, "user"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_fit_is_refused_with_its_place(fields: dict[str, Any], param: str) -> None:
    error = _refused(json.dumps({"input": "hi", **fields}).encode())
    assert error.param == param
    assert error.message.startswith(f"{param}: ")


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"input":"\xff"}', b'{"a":"\\ud800"}', b"[" * 100_000], ids=len)
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    assert _refused(body).code == "invalid_json"


def test_missing_input_is_refused_with_its_name() -> None:
    assert _refused(b"{}").param == "input"
    assert _refused(b'{"instructions":"be brief"}').param == "input"


@settings(deadline=None, max_examples=200)
@given(RESPONSE_BODIES)
def test_any_object_is_a_request_that_can_be_answered_or_a_400(sent: dict[str, Any]) -> None:
    asked = _read(json.dumps(sent).encode())
    if asked is None:
        return
    assert _response(asked)["status"] == "completed"
    unknown = {*RESPONSE_PARAMETERS, "input", "n"}
    for run in asked.runs:
        assert run.extra == {name: value for name, value in sent.items() if name not in unknown}


@settings(deadline=None)
@given(st.binary() | st.builds(lambda start, rest: start + rest, st.sampled_from([b"{", b'{"input":']), st.binary()))
def test_any_bytes_are_a_request_or_a_400(body: bytes) -> None:
    assert isinstance(_read(body), Asked | None)


# ---- what the answer shall be


def test_log_probabilities_are_asked_for_by_what_to_include() -> None:
    asked = _asked(include=["message.output_text.logprobs"], top_logprobs=2)
    assert [(run.logprobs, run.top_logprobs) for run in asked.runs] == [(True, 2)]
    assert [run.fields for run in asked.runs] == [{"logprobs": True, "top_logprobs": 2}]
    assert asked.request.logprobs is None  # a program that gives none answers all the same


# ---- what came before, and what is to become of the answer


def test_an_answer_is_kept_unless_the_client_says_no() -> None:
    assert [_keeping(store=store).store for store in (None, True, False)] == [True, True, False]
    assert [_keeping(background=asked).background for asked in (None, False, True)] == [False, False, True]


@pytest.mark.parametrize("conversation", ["conv_1", {"id": "conv_1"}], ids=repr)
def test_a_conversation_is_named_or_given_as_an_object(conversation: object) -> None:
    asked = _asked(conversation=conversation)
    assert asked.keeping is not None
    assert (asked.keeping.conversation, asked.keeping.looks_back) == ("conv_1", True)
    assert _response(asked)["conversation"] == {"id": "conv_1"}


def test_what_looks_back_has_no_messages_until_the_past_is_found() -> None:
    assert _run(previous_response_id="resp_1").messages == []
    assert _run(conversation="conv_1").messages == []
    assert _run(input=[{"type": "item_reference", "id": "msg_1"}]).messages == []
    keeping = _keeping(
        input=[{"id": "msg_1"}, {"role": "user", "content": "hi"}, {"type": "item_reference", "id": "x"}]
    )
    assert keeping.references == ["msg_1", "x"]
    assert _keeping().looks_back is False


# ---- what is repeated


def test_what_a_program_changes_is_not_repeated_changed() -> None:
    sent: dict[str, Any] = {
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "x", "y": {"z": [1]}}]}],
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}, {"type": "x", "y": [1]}],
        "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "x"}]},
        "text": {"format": {"type": "json_schema", "name": "s", "schema": {"type": "object"}}},
        "metadata": {"a": "b"},
    }
    asked = _asked(**sent)
    before = _response(asked)
    for run in asked.runs:
        _spoil(run.tools, run.tool_choice, run.response_format, run.metadata, run.fields)
    assert _response(asked) == before
    assert {name: before[name] for name in ("tool_choice", "metadata")} == {
        "tool_choice": sent["tool_choice"],
        "metadata": {"a": "b"},
    }


def _spoil(*values: Any) -> None:
    """Empty all lists and dicts, the innermost first."""
    for value in values:
        if isinstance(value, dict | list):
            _spoil(*(value.values() if isinstance(value, dict) else value))
            value.clear()
