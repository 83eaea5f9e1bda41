"""What came before a request, and what it means again: `with_past` makes one conversation of it all."""

from typing import Any

import pytest

from mserve.errors import ClientError
from mserve.options import Limits
from mserve.protocols import responses
from mserve.protocols.base import Asked
from mserve.protocols.responses.decode import with_past
from protocols.talks import LIMITS, asked_of

Item = dict[str, Any]

_BEFORE: list[Item] = [
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What is 1 + 1?"}]},
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "easy"}]},
    {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "add", "arguments": "[1,1]"},
]
_ADDED = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "[1,1]"}}
_OUTPUT: Item = {"type": "function_call_output", "call_id": "c1", "output": "2"}


def _messages(asked: Asked) -> list[Item]:
    (run,) = asked.runs
    return run.messages


def _after(past: list[Item], found: dict[str, Item] | None = None, *, limits: Limits = LIMITS, **sent: Any) -> Asked:
    return with_past(asked_of(responses, **{"previous_response_id": "resp_1"} | sent), past, found or {}, limits)


def test_a_conversation_goes_on_where_it_was() -> None:
    assert _messages(_after(_BEFORE, input=[_OUTPUT])) == [
        {"role": "user", "content": "What is 1 + 1?"},
        {"role": "assistant", "content": None, "tool_calls": [_ADDED], "reasoning_content": "easy"},
        {"role": "tool", "tool_call_id": "c1", "content": "2"},
    ]


def test_instructions_are_those_of_this_request_and_come_first() -> None:
    system, *_ = _messages(_after(_BEFORE, instructions="be brief"))
    assert system == {"role": "system", "content": "be brief"}
    assert _messages(asked_of(responses, instructions="be brief"))[0] == system
    for none in ("", None):
        assert _messages(_after(_BEFORE, instructions=none))[0]["role"] == "user"


def test_all_else_of_the_request_stays() -> None:
    before = asked_of(responses, previous_response_id="resp_1", temperature=0.5, top_k=3)
    after = with_past(before, _BEFORE, {}, LIMITS)
    assert after.request == before.request
    assert after.sent == before.sent == {"previous_response_id": "resp_1", "temperature": 0.5, "top_k": 3}
    assert [(run.fields, run.extra) for run in after.runs] == [({"temperature": 0.5}, {"top_k": 3})]


def test_what_is_meant_again_stands_where_it_was_meant() -> None:
    said = {"role": "user", "content": "hi"}
    sent = [{"type": "item_reference", "id": "fc_1"}, _OUTPUT, {"id": "msg_1"}]
    found = {"fc_1": _BEFORE[2], "msg_1": said | {"id": "msg_1", "type": "message"}}
    asked = with_past(asked_of(responses, input=sent), [], found, LIMITS)
    assert _messages(asked) == [
        {"role": "assistant", "content": None, "tool_calls": [_ADDED]},
        {"role": "tool", "tool_call_id": "c1", "content": "2"},
        said,
    ]
    assert asked.keeping is not None
    assert asked.keeping.items == [found["fc_1"], _OUTPUT, found["msg_1"]]


def test_a_request_may_add_nothing_to_what_came_before() -> None:
    nothings: list[Any] = [None, []]
    for nothing in nothings:
        assert _messages(_after(_BEFORE[:1], input=nothing)) == [{"role": "user", "content": "What is 1 + 1?"}]


def test_a_conversation_without_a_message_is_refused() -> None:
    for past in ([], [{"type": "web_search_call"}]):
        with pytest.raises(ClientError) as caught:
            _after(past, input=[], instructions="be brief")
        assert (caught.value.status, caught.value.param) == (400, "input")


def test_the_limit_of_messages_counts_those_before_too() -> None:
    limits = Limits(max_messages=3)
    assert len(_messages(_after(_BEFORE, limits=limits, input="hi"))) == 3
    for sent in ({"input": [_OUTPUT, {"role": "user", "content": "hi"}]}, {"input": "hi", "instructions": "be brief"}):
        with pytest.raises(ClientError) as caught:
            _after(_BEFORE, limits=limits, **sent)
        assert (caught.value.status, caught.value.param) == (400, "input")


def test_items_over_the_limit_are_refused_before_any_is_read() -> None:
    with pytest.raises(ClientError, match=r"expected at most 3 of them, not 4") as caught:
        asked_of(responses, Limits(max_messages=3), input=[None] * 4)
    assert caught.value.param == "input"
