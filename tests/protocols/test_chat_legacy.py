"""`functions` and `function_call`, both ways: programs see tools, and the client a call as it knows it."""

from typing import Any

import pytest

from mserve.events import Finish, RunEvent, TextDelta, ToolCallDelta, ToolCallStart
from mserve.protocols import chat_completions
from mserve.protocols.base import Envelope
from protocols.bodies import PARAMETERS
from protocols.talks import Talk, asked_of

_FUNCTIONS = [{"name": "f", "parameters": {"type": "object"}, "more": 1}, {"name": "g"}]
_TOOLS = [{"type": "function", "function": function} for function in _FUNCTIONS]
_NAMED = {"type": "function", "function": {"name": "f"}}
_OTHERS = [{"type": "function", "function": {"name": "h"}}]

_CALL: list[RunEvent] = [
    TextDelta("Hm"),
    ToolCallStart("c1", "f"),
    ToolCallDelta("c1", '{"a'),
    ToolCallStart("c2", "g"),
    ToolCallDelta("c2", "{}"),
    ToolCallDelta("c1", '":1}'),
    Finish("tool_calls"),
]


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ({"functions": _FUNCTIONS}, {"tools": _TOOLS, "parallel_tool_calls": False}),
        ({"functions": []}, {"tools": [], "parallel_tool_calls": False}),
        (
            {"functions": _FUNCTIONS, "function_call": "auto"},
            {"tools": _TOOLS, "parallel_tool_calls": False, "tool_choice": "auto"},
        ),
        ({"function_call": "none"}, {"tool_choice": "none"}),
        ({"function_call": {"name": "f"}}, {"tool_choice": _NAMED}),
        ({"functions": _FUNCTIONS, "tools": _OTHERS}, {"tools": _OTHERS}),
        (
            {"functions": _FUNCTIONS, "tools": _OTHERS, "function_call": {"name": "f"}},
            {"tools": _OTHERS, "tool_choice": _NAMED},
        ),
        ({"function_call": "auto", "tool_choice": "required"}, {"tool_choice": "required"}),
        ({"functions": _FUNCTIONS, "tools": None}, {"tools": _TOOLS, "parallel_tool_calls": False}),
        ({"functions": None, "function_call": None}, {}),
        ({"tools": _TOOLS, "parallel_tool_calls": True}, {"tools": _TOOLS, "parallel_tool_calls": True}),
    ],
    ids=repr,
)
def test_programs_see_the_newer_parameters(sent: dict[str, Any], seen: dict[str, Any]) -> None:
    request = asked_of(chat_completions, **sent).request
    fields = {name: value for name, value in sent.items() if value is not None}
    assert {name: getattr(request, name) for name in PARAMETERS if getattr(request, name) is not None} == fields | seen
    assert request.fields == fields


def _talk(log: list[RunEvent], **sent: Any) -> Talk:
    return Talk(chat_completions, Envelope("k1", 1700000000, "m"), asked_of(chat_completions, **sent), [log])


def _delta(delta: bytes, reason: bytes = b"null") -> bytes:
    head = b'{"id":"chatcmpl-k1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":['
    return b"data: " + head + b'{"index":0,"delta":' + delta + b',"finish_reason":' + reason + b"}]}\n\n"


def test_a_stream_tells_the_first_call_as_the_older_api_did() -> None:
    assert _talk(_CALL, functions=_FUNCTIONS).stream() == (
        _delta(b'{"role":"assistant"}')
        + _delta(b'{"content":"Hm"}')
        + _delta(b'{"function_call":{"name":"f","arguments":""}}')
        + _delta(b'{"function_call":{"arguments":"{\\"a"}}')
        + _delta(b'{"function_call":{"arguments":"\\":1}"}}')
        + _delta(b"{}", b'"function_call"')
        + b"data: [DONE]\n\n"
    )


def test_a_whole_reply_tells_the_first_call_as_the_older_api_did() -> None:
    assert _talk(_CALL, functions=_FUNCTIONS).whole == (
        b'{"id":"chatcmpl-k1","object":"chat.completion","created":1700000000,"model":"m","choices":[{"index":0,'
        b'"message":{"role":"assistant","content":"Hm","refusal":null,'
        b'"function_call":{"name":"f","arguments":"{\\"a\\":1}"}},"logprobs":null,"finish_reason":"function_call"}]}'
    )


def test_a_call_of_the_older_api_leaves_the_content_null() -> None:
    assert b'"content":null' in _talk(_CALL[1:], functions=_FUNCTIONS).whole


@pytest.mark.parametrize("sent", [{"tools": _TOOLS}, {"functions": _FUNCTIONS, "tools": _TOOLS}, {}], ids=repr)
def test_who_knows_tools_or_neither_is_answered_with_tool_calls(sent: dict[str, Any]) -> None:
    talk = _talk(_CALL, **sent)
    for said in (talk.whole, talk.stream()):
        assert b"function_call" not in said
        assert b'"finish_reason":"tool_calls"' in said


@pytest.mark.parametrize("reason", ["stop", "length", "content_filter"])
def test_other_reasons_are_the_same_in_the_older_api(reason: Any) -> None:
    talk = _talk([TextDelta("Hi"), Finish(reason)], functions=_FUNCTIONS)
    for said in (talk.whole, talk.stream()):
        assert f'"finish_reason":"{reason}"'.encode() in said
        assert b"function_call" not in said
