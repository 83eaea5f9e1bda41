"""What a response repeats of its request, be it one of this protocol or of chat completions."""

import json
from typing import Any

import pytest

from mserve.events import Finish, Logprob, RunEvent, TextDelta
from mserve.protocols import chat_completions, responses
from mserve.protocols.base import Asked, Wire
from protocols.bodies import RESPONSE_PARAMETERS
from protocols.golden import ENVELOPE
from protocols.talks import Talk, asked_of

_NULLS = {"description": None, "parameters": None, "strict": None}
_REPEATED = ["tools", "tool_choice", "text"]


def _response(asked: Asked) -> dict[str, Any]:
    response: dict[str, Any] = json.loads(responses.whole(ENVELOPE, asked.for_reply()).close(1700000009))
    return response


def _told(wire: Wire, **sent: Any) -> dict[str, Any]:
    return _response(asked_of(wire, **sent))


def test_a_response_has_all_of_its_keys_with_openais_defaults() -> None:
    assert _told(responses) == {
        "id": "resp_k1",
        "object": "response",
        "created_at": 1700000000,
        "completed_at": 1700000009,
        "status": "completed",
        "background": False,
        "error": None,
        "frequency_penalty": 0.0,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "metadata": {},
        "model": "m",
        "output": [],
        "parallel_tool_calls": True,
        "presence_penalty": 0.0,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "service_tier": "default",
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": None,
    }


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"conversation": "conv_1"}, {"conversation": {"id": "conv_1"}}),
        ({"conversation": {"id": "conv_1", "more": 1}}, {"conversation": {"id": "conv_1"}}),
        ({"previous_response_id": "resp_0"}, {"previous_response_id": "resp_0"}),
        ({"store": False}, {"store": False}),
        ({"background": True}, {"background": True}),
        ({"user": "u"}, {"user": "u"}),
        ({"service_tier": "auto"}, {"service_tier": "default"}),
        ({"service_tier": "flex"}, {"service_tier": "flex"}),
        ({"truncation": "auto"}, {"truncation": "auto"}),
        ({"max_tool_calls": 3, "max_output_tokens": 0}, {"max_tool_calls": 3, "max_output_tokens": 0}),
        ({"instructions": ""}, {"instructions": ""}),
        ({"reasoning": {"effort": "low", "more": 1}}, {"reasoning": {"effort": "low", "summary": None}}),
        ({"reasoning": {"summary": "auto"}}, {"reasoning": {"effort": None, "summary": "auto"}}),
        ({"text": {"verbosity": "low", "format": None}}, {"text": {"verbosity": "low", "format": {"type": "text"}}}),
        (
            {"text": {"format": {"type": "json_schema", "name": "s", "schema": {}}}},
            {
                "text": {
                    "format": {"type": "json_schema", "name": "s", "schema": {}, "description": None, "strict": None}
                }
            },
        ),
        (
            {"tools": [{"type": "function", "name": "f", "strict": True}, {"type": "web_search"}]},
            {"tools": [_NULLS | {"type": "function", "name": "f", "strict": True}, {"type": "web_search"}]},
        ),
        ({"tool_choice": {"type": "function", "name": "f"}}, {"tool_choice": {"type": "function", "name": "f"}}),
        ({"seed": 3, "stop": "a", "include": [], "unknown": 1}, {}),
    ],
    ids=lambda value: json.dumps(value)[:40],
)
def test_a_response_repeats_what_was_sent(sent: dict[str, Any], told: dict[str, Any]) -> None:
    assert _told(responses, **sent) == _told(responses) | told


@pytest.mark.parametrize(
    ("name", "value", "gets"),
    [(name, value, gets) for name in _REPEATED for value, gets in RESPONSE_PARAMETERS[name] if gets],
)
def test_what_chat_completions_nest_is_told_as_if_it_had_been_sent_flat(
    name: str, value: object, gets: dict[str, Any]
) -> None:
    flat, nested = _told(responses, **{name: value})[name], _told(chat_completions, **gets)[name]
    assert nested == flat if name != "text" else nested["format"] == flat["format"]


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({}, {}),
        ({"service_tier": "flex"}, {"service_tier": "flex"}),
        ({"service_tier": "auto"}, {}),
        ({"verbosity": "low"}, {"text": {"format": {"type": "text"}, "verbosity": "low"}}),
        ({"max_tokens": 3}, {"max_output_tokens": 3}),
        ({"max_tokens": 3, "max_completion_tokens": 0}, {"max_output_tokens": 0}),
        ({"reasoning_effort": "low"}, {"reasoning": {"effort": "low", "summary": None}}),
        ({"temperature": 0.5, "user": "u", "top_logprobs": 2}, {"temperature": 0.5, "user": "u", "top_logprobs": 2}),
        ({"metadata": {"a": "b"}, "store": False, "seed": 3}, {"metadata": {"a": "b"}}),
        ({"functions": [{"name": "f"}], "function_call": "none"},
         {"tools": [_NULLS | {"type": "function", "name": "f"}], "tool_choice": "none", "parallel_tool_calls": False}),
    ],
    ids=lambda value: json.dumps(value)[:40],
)  # fmt: skip
def test_a_response_repeats_what_was_sent_to_chat_completions(sent: dict[str, Any], told: dict[str, Any]) -> None:
    assert _told(chat_completions, **sent) == _told(responses) | told


def test_log_probabilities_that_chat_completions_were_asked_for_are_told() -> None:
    said: list[RunEvent] = [TextDelta("H", (Logprob("H", -0.5),)), Finish()]
    for asks, tokens in ((True, 1), (False, 0)):
        asked = asked_of(chat_completions, logprobs=asks).for_reply()
        (item,) = json.loads(Talk(responses, ENVELOPE, asked, [said]).whole)["output"]
        assert len(item["content"][0]["logprobs"]) == tokens
