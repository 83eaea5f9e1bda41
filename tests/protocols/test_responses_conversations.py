"""What clients send and get of conversations."""

import json
import re
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mserve.errors import ClientError
from mserve.protocols.responses.conversations import (
    decode_change,
    decode_items,
    decode_new,
    encode,
    encode_item,
)
from mserve.protocols.responses.endpoints import ENDPOINTS
from protocols.bodies import RESPONSE_BODIES
from protocols.strategies import law

_SAID = {"role": "user", "content": "hi"}
_LISTED = {"type": "message", "role": "user", "status": "completed", "content": [{"type": "input_text", "text": "hi"}]}
_SHOT = {"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot"}}


def _ids() -> Iterator[str]:
    return (f"k_{number}" for number in count())


def _body(**sent: Any) -> bytes:
    return json.dumps(sent).encode()


def test_a_conversation_is_made_of_nothing_or_of_items_and_notes() -> None:
    assert decode_new(b"{}", _ids()) == ([], {})
    assert decode_new(_body(items=None, metadata=None), _ids()) == ([], {})
    items, metadata = decode_new(_body(items=[_SAID, _SAID | {"id": "own"}], metadata={"a": "b"}), _ids())
    assert items == [_LISTED | {"id": "msg_k_0"}, _LISTED | {"id": "own"}]
    assert metadata == {"a": "b"}


def test_items_of_any_type_are_added_whatever_they_hold() -> None:
    items = decode_items(_body(items=[_SHOT, _SAID]), _ids())
    assert items == [_SHOT | {"id": "item_k_0", "status": "completed"}, _LISTED | {"id": "msg_k_1"}]
    assert decode_new(_body(items=[_SHOT]), _ids())[0] == items[:1]


def test_notes_are_replaced() -> None:
    assert decode_change(_body(metadata={"a": "b"})) == {"a": "b"}
    assert decode_change(_body(metadata=None)) == {}


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        ({"items": "hi"}, "items"),
        ({"items": ["hi"]}, "items[0]"),
        ({"items": [_SAID, {"role": "user"}]}, "items[1].content"),
        ({"items": [_SAID] * 21}, "items"),
        ({"items": [{"type": "item_reference", "id": "msg_1"}]}, "items"),
        ({"items": [{"id": "msg_1"}]}, "items"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_items_that_do_not_fit_are_refused_with_their_place(sent: dict[str, Any], param: str) -> None:
    for read in (decode_new, decode_items):
        with pytest.raises(ClientError) as caught:
            read(_body(**sent), _ids())
        assert (caught.value.status, caught.value.param) == (400, param)


@pytest.mark.parametrize("body", [b"{}", b'{"metadata":{"a":1}}', b'{"metadata":[]}', b"[]", b"{"], ids=repr)
def test_notes_that_do_not_fit_are_refused(body: bytes) -> None:
    with pytest.raises(ClientError) as caught:
        decode_change(body)
    assert caught.value.status == 400


def test_added_items_have_to_be_there() -> None:
    with pytest.raises(ClientError) as caught:
        decode_items(b"{}", _ids())
    assert caught.value.param == "items"


@law
@given(RESPONSE_BODIES.map(lambda sent: sent["input"]) | st.none())
def test_any_items_are_listed_or_a_400(given_items: Any) -> None:
    try:
        items, _ = decode_new(_body(items=given_items), _ids())
    except ClientError as error:
        if error.status != 400:
            raise
        return
    assert [json.loads(encode_item(item)) for item in items] == items
    assert all(item["type"] and item["id"] and item["status"] for item in items)


def test_a_conversation_is_told_without_its_items() -> None:
    assert encode("k1", 1700000000, {"a": "b"}) == (
        b'{"id":"conv_k1","object":"conversation","created_at":1700000000,"metadata":{"a":"b"}}'
    )


def test_kept_things_are_found_where_openais_clients_look() -> None:
    assert {(one.method, re.sub(r"{\w+}", "{}", one.path)) for one in ENDPOINTS} == {
        ("get", "/v1/responses/{}"),
        ("delete", "/v1/responses/{}"),
        ("post", "/v1/responses/{}/cancel"),
        ("get", "/v1/responses/{}/input_items"),
        ("post", "/v1/conversations"),
        *((method, "/v1/conversations/{}") for method in ("get", "post", "delete")),
        *((method, "/v1/conversations/{}/items") for method in ("get", "post")),
        *((method, "/v1/conversations/{}/items/{}") for method in ("get", "delete")),
    }
