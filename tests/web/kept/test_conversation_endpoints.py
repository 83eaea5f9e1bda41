"""Conversations: made, noted on, read item by item, and forgotten, on any server of a store."""

from typing import Any

import httpx
import pytest

from web.kept.asking import make, refused, told


def made(client: httpx.Client, **more: Any) -> dict[str, Any]:
    return told(client.post("/conversations", json=more))


def message(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": text}


def texts(client: httpx.Client, name: str, **query: Any) -> list[str]:
    page = told(client.get(f"/conversations/{name}/items", params=query))
    return [item["content"][0]["text"] for item in page["data"]]


def test_a_conversation_is_found_as_it_was_made_and_changed(here: httpx.Client, there: httpx.Client) -> None:
    body = made(here, metadata={"topic": "sea"})
    assert (body["object"], body["metadata"], body["id"][:5]) == ("conversation", {"topic": "sea"}, "conv_")
    path = f"/conversations/{body['id']}"
    assert told(there.get(path)) == body
    changed = told(there.post(path, json={"metadata": {"topic": "sun"}}))
    assert changed == body | {"metadata": {"topic": "sun"}} == told(here.get(path))
    deleted = {"id": body["id"], "object": "conversation.deleted", "deleted": True}
    assert told(here.delete(path)) == deleted
    assert refused(there.get(path), 404) == "not_found"
    assert made(here)["metadata"] == {}


def test_items_are_added_at_the_end_listed_by_page_and_taken_out(here: httpx.Client, there: httpx.Client) -> None:
    body = made(here, items=[message("one"), message("two")])
    name = body["id"]
    added = told(there.post(f"/conversations/{name}/items", json={"items": [message("three"), message("four")]}))
    assert [item["content"][0]["text"] for item in added["data"]] == ["three", "four"]
    assert (added["has_more"], added["first_id"]) == (False, added["data"][0]["id"])
    assert texts(here, name) == ["four", "three", "two", "one"]
    assert texts(here, name, order="asc", limit=2) == ["one", "two"]
    assert texts(there, name, order="asc", after=added["first_id"]) == ["four"]
    path = f"/conversations/{name}/items/{added['first_id']}"
    assert told(there.get(path)) == added["data"][0]
    assert told(here.delete(path)) == body
    assert refused(there.get(path), 404) == refused(there.delete(path), 404) == "not_found"
    assert texts(there, name, order="asc") == ["one", "two", "four"]


def test_nothing_is_added_where_there_is_nothing(here: httpx.Client) -> None:
    name = made(here)["id"]
    added = told(here.post(f"/conversations/{name}/items", json={"items": []}))
    assert (added["data"], added["first_id"], added["has_more"]) == ([], None, False)


def test_an_item_that_comes_twice_is_there_once(here: httpx.Client) -> None:
    name = made(here, items=[message("one") | {"id": "msg_1"}, message("one") | {"id": "msg_1"}])["id"]
    told(here.post(f"/conversations/{name}/items", json={"items": [message("one") | {"id": "msg_1"}]}))
    assert texts(here, name) == ["one"]


def test_an_item_whose_id_is_no_name_holds_nobody_up(here: httpx.Client) -> None:
    """It used to be written with its conversation again and again, and nothing else of that server meanwhile."""
    name = made(here)["id"]
    strange: dict[str, Any] = {"type": "own", "id": {"not": "a name"}}
    assert make(here, [message("say one"), strange], conversation=name)["status"] == "completed"
    assert make(here, "say two", conversation=name)["status"] == "completed"
    kinds = [item["type"] for item in told(here.get(f"/conversations/{name}/items?order=asc"))["data"]]
    assert kinds == ["message", "own", "message", "message", "message"]


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/conversations", {"items": [{"role": "user"}]}, "items[0].content"),
        ("/conversations", {"items": [message("x")] * 21}, "items"),
        ("/conversations", {"metadata": {"a": 1}}, "metadata[...]"),
        ("/conversations/{}", {}, "metadata"),
        ("/conversations/{}/items", {}, "items"),
        ("/conversations/{}/items", {"items": [{"type": "item_reference", "id": "msg_1"}]}, "items"),
    ],
)
def test_what_does_not_fit_is_refused(here: httpx.Client, path: str, body: dict[str, Any], param: str) -> None:
    answer = here.post(path.format(made(here)["id"]), json=body)
    refused(answer, 400, param)


def test_items_are_nested_no_deeper_than_a_request_may_be(here: httpx.Client) -> None:
    deep = '{"items": [{"type": "own", "in": %s}]}' % ("[" * 300 + "]" * 300)
    for path in ("/conversations", f"/conversations/{made(here)['id']}/items"):
        answer = here.post(path, content=deep, headers={"Content-Type": "application/json"})
        assert refused(answer, 400) == "invalid_json"


def test_what_is_no_json_is_refused_before_it_is_read(here: httpx.Client) -> None:
    assert refused(here.post("/conversations", content=b"{}"), 415) == "unsupported_media_type"
    headers = {"Content-Type": "application/json"}
    assert refused(here.post("/conversations", content=b"{", headers=headers), 400) == "invalid_json"


@pytest.mark.parametrize("name", ["conv_nothing", "nothing", "conv_"])
def test_what_is_not_there_is_a_404_for_whatever_is_asked_of_it(here: httpx.Client, name: str) -> None:
    path = f"/conversations/{name}"
    answers = [
        here.get(path),
        here.post(path, json={"metadata": {}}),
        here.delete(path),
        here.get(f"{path}/items"),
        here.post(f"{path}/items", json={"items": [message("x")]}),
        here.get(f"{path}/items/msg_1"),
        here.delete(f"{path}/items/msg_1"),
    ]
    assert [refused(answer, 404) for answer in answers] == ["not_found"] * 7
