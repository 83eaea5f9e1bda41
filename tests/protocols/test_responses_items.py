"""A conversation in items and in messages: what one has a place for in the other is the same on its way back."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mserve.protocols import chat_completions
from mserve.protocols.responses.items import items_of, kind, listed, messages_of
from mserve.protocols.responses.place import Place, key_of
from protocols.strategies import TEXTS, law
from protocols.talks import asked_of

Item = dict[str, Any]


def _call(call: str, name: str = "f", arguments: str = "{}") -> Item:
    return {"type": "function_call", "call_id": call, "name": name, "arguments": arguments}


def _called(call: str, name: str = "f", arguments: str = "{}") -> Item:
    return {"id": call, "type": "function", "function": {"name": name, "arguments": arguments}}


def _answer(*parts: Item) -> Item:
    return {"type": "message", "role": "assistant", "content": [*parts]}


def _says(text: str) -> Item:
    return {"type": "output_text", "text": text}


def _thought(text: str) -> Item:
    return {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": text}]}


_USER = {"role": "user", "content": "hi"}
_RESULT = {"type": "function_call_output", "call_id": "c1", "output": "1"}

# ---- items to messages


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (_USER, _USER),
        ({"role": "user", "content": "hi", "id": "msg_1", "type": None}, _USER),
        ({"type": "message", "role": "developer", "content": "be brief"}, {"role": "developer", "content": "be brief"}),
        (
            {"role": "system", "content": [{"type": "input_text", "text": "be"}]},
            {"role": "system", "content": "be"},
        ),
        ({"role": "user", "content": []}, {"role": "user", "content": []}),
        (
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "a"},
                    {"type": "input_image", "image_url": "data:,", "detail": "low", "file_id": None},
                    {"type": "input_image", "image_url": "data:,", "detail": None},
                    {"type": "input_image", "file_id": "f"},
                    {"type": "input_file", "file_id": "f", "filename": "n"},
                    {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}},
                    {"type": "own", "own": [1]},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "a"},
                    {"type": "image_url", "image_url": {"url": "data:,", "detail": "low"}},
                    {"type": "image_url", "image_url": {"url": "data:,"}},
                    {"type": "input_image", "file_id": "f"},
                    {"type": "file", "file": {"file_id": "f", "filename": "n"}},
                    {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}},
                    {"type": "own", "own": [1]},
                ],
            },
        ),
        ({"role": "assistant", "content": "hi"}, {"role": "assistant", "content": "hi"}),
        (
            _answer(_says("h"), {"type": "refusal", "refusal": "no"}, _says("i")),
            {"role": "assistant", "content": "hi", "refusal": "no"},
        ),
        (_call("c1"), {"role": "assistant", "content": None, "tool_calls": [_called("c1")]}),
        (
            {"type": "custom_tool_call", "call_id": "c", "name": "sql", "input": "SELECT"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "sql", "input": "SELECT"}}],
            },
        ),
        (_RESULT, {"role": "tool", "tool_call_id": "c1", "content": "1"}),
        (
            {"type": "custom_tool_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "1"}]},
            {"role": "tool", "tool_call_id": "c", "content": "1"},
        ),
        (
            {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_image", "image_url": "u"}]},
            {"role": "tool", "tool_call_id": "c", "content": [{"type": "image_url", "image_url": {"url": "u"}}]},
        ),
    ],
    ids=lambda value: str(value)[:50],
)
def test_an_item_is_a_message(item: Item, message: Item) -> None:
    assert messages_of([item]) == [message]


def test_items_of_other_types_are_left_out() -> None:
    assert messages_of([{"type": "web_search_call", "id": "ws_1"}, _USER, {"type": "item_reference", "id": "x"}]) == [
        _USER
    ]


def test_calls_belong_to_the_message_before_them_and_to_one_another() -> None:
    assert messages_of([_answer(_says("Hi")), _call("c1"), _call("c2"), _RESULT, _call("c3")]) == [
        {"role": "assistant", "content": "Hi", "tool_calls": [_called("c1"), _called("c2")]},
        {"role": "tool", "tool_call_id": "c1", "content": "1"},
        {"role": "assistant", "content": None, "tool_calls": [_called("c3")]},
    ]


def test_what_is_said_beside_calls_does_not_part_them_from_their_results() -> None:
    assert messages_of([_call("c1"), _answer(_says("Hi")), _call("c2"), _answer(_says("So")), _RESULT]) == [
        {"role": "assistant", "content": "Hi", "tool_calls": [_called("c1"), _called("c2")]},
        {"role": "assistant", "content": "So"},
        {"role": "tool", "tool_call_id": "c1", "content": "1"},
    ]


def test_a_thought_belongs_to_the_answer_behind_it() -> None:
    assert messages_of([_USER, _thought("hm"), _thought(", so"), {"type": "own"}, _answer(_says("Hi"))]) == [
        _USER,
        {"role": "assistant", "content": "Hi", "reasoning_content": "hm, so"},
    ]


def test_a_thought_may_be_a_summary() -> None:
    summary = [{"type": "summary_text", "text": "h"}, {"type": "summary_text", "text": "m"}]
    assert messages_of([{"type": "reasoning", "summary": summary}, _call("c1")]) == [
        {"role": "assistant", "content": None, "tool_calls": [_called("c1")], "reasoning_content": "hm"}
    ]


def test_a_thought_may_be_a_text() -> None:
    thought = {"type": "reasoning", "content": "hm"}
    assert messages_of([thought, _call("c1")])[0]["reasoning_content"] == "hm"


def test_thoughts_between_calls_of_one_message_are_all_kept() -> None:
    assert messages_of([_thought("a"), _call("c1"), _thought("b"), _call("c2")]) == [
        {"role": "assistant", "content": None, "tool_calls": [_called("c1"), _called("c2")], "reasoning_content": "ab"}
    ]


def test_a_thought_that_no_answer_followed_is_left_out() -> None:
    assert messages_of([_thought("cut off"), _USER, _answer(_says("Hi")), _thought("x")]) == [
        _USER,
        {"role": "assistant", "content": "Hi"},
    ]
    assert messages_of([_thought("alone"), {"type": "reasoning"}]) == []


def test_what_a_program_does_to_its_messages_happens_to_no_item() -> None:
    parts = [
        {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}},
        {"type": "input_file", "own": {"a": 1}},
    ]
    items = [{"role": "user", "content": parts}]
    before = deepcopy(items)
    audio, file = messages_of(items)[0]["content"]
    audio["input_audio"].clear()
    file["file"]["own"].clear()
    assert items == before


# ---- messages to items


@pytest.mark.parametrize(
    ("message", "items"),
    [
        (_USER, [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}]),
        ({"role": "assistant", "content": "Hi"}, [_answer(_says("Hi"))]),
        ({"role": "assistant", "content": ""}, []),
        ({"role": "assistant", "content": "Hi", "reasoning_content": 3}, [_answer(_says("Hi"))]),
        ({"role": "assistant", "content": "Hi", "reasoning_content": "hm"}, [_thought("hm"), _answer(_says("Hi"))]),
        (
            {"role": "assistant", "content": [{"type": "text", "text": "Hi"}, {"type": "refusal", "refusal": "no"}]},
            [_answer(_says("Hi"), {"type": "refusal", "refusal": "no"})],
        ),
        (
            {"role": "assistant", "content": None, "refusal": "no"},
            [_answer({"type": "refusal", "refusal": "no"})],
        ),
        (
            {"role": "assistant", "content": "Hi", "tool_calls": [_called("c1") | {"index": 0}]},
            [_answer(_says("Hi")), _call("c1")],
        ),
        (
            {"role": "assistant", "function_call": {"name": "f", "arguments": "{}", "type": "x"}},
            [_call("f")],
        ),
        (
            {"role": "function", "name": "f", "content": "1"},
            [{"type": "function_call_output", "call_id": "f", "output": [{"type": "input_text", "text": "1"}]}],
        ),
        (
            {"role": "tool", "content": None},
            [{"type": "function_call_output", "call_id": "", "output": [{"type": "input_text", "text": ""}]}],
        ),
        (
            {
                "role": "assistant",
                "tool_calls": [{"id": "a", "type": "own"}, {"id": "c", "type": "custom", "custom": {"name": "sql"}}],
            },
            [{"type": "custom_tool_call", "call_id": "c", "name": "sql", "input": ""}],
        ),
        (
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": "u"}},
                    {"type": "file", "file": {"file_id": "f", "type": "x"}},
                    {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}},
                ],
            },
            [
                {
                    "type": "message",
                    "role": "user",
                    "content": [
                        {"type": "input_image", "image_url": "u", "detail": "auto"},
                        {"type": "input_file", "file_id": "f"},
                        {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}},
                    ],
                }
            ],
        ),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_message_is_items(message: Item, items: list[Item]) -> None:
    asked = asked_of(chat_completions, messages=[message])  # so clients may send it
    assert [*items_of(asked.runs[0].messages)] == items


_PARTS = st.lists(
    st.builds(lambda text: {"type": "text", "text": text}, TEXTS)
    | st.builds(
        lambda url, detail: {"type": "image_url", "image_url": {"url": url, "detail": detail}},
        TEXTS,
        st.sampled_from(["auto", "low"]),
    )
    | st.builds(lambda name: {"type": "file", "file": {"file_id": name}}, TEXTS),
    min_size=2,
    max_size=3,
)
_ASKING = st.builds(
    lambda role, content: {"role": role, "content": content},
    st.sampled_from(["user", "system", "developer"]),
    st.just("") | TEXTS | _PARTS,
)
_CALLS = st.builds(_called, TEXTS, TEXTS, TEXTS) | st.builds(
    lambda call, name, text: {"id": call, "type": "custom", "custom": {"name": name, "input": text}},
    *(TEXTS, TEXTS, TEXTS),
)
_TURNS = st.builds(
    lambda turn, calls, results: [
        {"role": "assistant", "content": None} | turn | ({"tool_calls": calls} if calls else {}),
        *({"role": "tool", "tool_call_id": call["id"], "content": results} for call in calls),
        _USER,
    ],
    st.fixed_dictionaries({"content": TEXTS}, optional={"reasoning_content": TEXTS, "refusal": TEXTS})
    | st.fixed_dictionaries({"content": st.none()}),
    st.lists(_CALLS, max_size=2),
    st.just("") | TEXTS | _PARTS,
).filter(lambda turn: turn[0]["content"] or turn[0].get("tool_calls"))


@law
@given(st.lists(_ASKING.map(lambda message: [message]) | _TURNS, max_size=4))
def test_messages_are_the_same_on_their_way_back(turns: list[list[Item]]) -> None:
    messages = [message for turn in turns for message in turn]
    items = [*items_of(messages)]
    assert messages_of(items) == messages
    assert messages_of(listed(items, _names())) == messages


# ---- lists of items


def _names() -> Iterator[str]:
    yield from (f"k_{number}" for number in range(1000))


@pytest.mark.parametrize(
    ("item", "whole"),
    [
        (
            _USER,
            {"type": "message", "id": "msg_k_0", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
        ),
        (
            {"role": "assistant", "content": "hi", "id": "msg_7", "status": "incomplete"},
            _answer(_says("hi") | {"annotations": [], "logprobs": []}) | {"id": "msg_7", "status": "incomplete"},
        ),
        (
            {"role": "user", "content": [{"type": "input_image", "image_url": "u"}], "own": 1},
            {"type": "message", "id": "msg_k_0", "role": "user", "own": 1}
            | {"content": [{"type": "input_image", "image_url": "u", "detail": "auto"}]},
        ),
        (
            _answer({"type": "refusal", "refusal": "no"}),
            _answer({"type": "refusal", "refusal": "no"}) | {"id": "msg_k_0"},
        ),
        ({"type": "reasoning"}, {"type": "reasoning", "id": "rs_k_0", "summary": []}),
        (_thought("hm") | {"id": "rs_1"}, _thought("hm") | {"id": "rs_1"}),
        (_call("c"), _call("c") | {"id": "fc_k_0"}),
        (_RESULT, _RESULT | {"id": "fco_k_0"}),
        ({"type": "own", "id": None}, {"type": "own", "id": "item_k_0"}),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_listed_item_has_its_type_its_id_and_its_status(item: Item, whole: Item) -> None:
    before = deepcopy(item)
    assert listed([item], _names()) == [{"status": "completed"} | whole]
    assert item == before


def test_each_listed_item_gets_an_id_of_its_own() -> None:
    names = [item["id"] for item in listed([_USER, _call("c"), _USER | {"id": "own"}, _USER], _names())]
    assert names == ["msg_k_0", "fc_k_1", "own", "msg_k_3"]


@pytest.mark.parametrize("sent", [7, {"a": 1}, "", "x" * 513], ids=lambda value: str(value)[:10])
def test_an_id_that_nothing_can_be_found_by_is_none(sent: Any) -> None:
    longest = "x" * 512
    items = [{"type": "own", "id": sent}, _USER | {"id": longest}]
    assert [item["id"] for item in listed(items, _names())] == ["item_k_0", longest]


def test_an_items_type_is_told_by_what_it_has() -> None:
    assert [kind(item) for item in ({"id": "x"}, {"id": "x", "role": "user"}, _USER, {"id": "x", "type": "own"})] == [
        *("item_reference", "message", "message", "own")
    ]


def test_an_items_id_tells_whose_it_is() -> None:
    assert key_of(Place("k1", 3).id_of("msg")) == "k1"
    assert key_of("msg_made_by_another_server") is None
    assert key_of("msg") is None
