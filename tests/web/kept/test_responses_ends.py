"""What becomes of a response that nobody wants any more, and what it was asked."""

from typing import Any

import httpx
import pytest

from web.kept.asking import (
    Notes,
    data_of,
    ended,
    frames_of,
    in_background,
    make,
    read_until,
    refused,
    rows,
    streaming,
    text_of,
    told,
)


@pytest.mark.parametrize("at", ["here", "there"])
def test_a_run_is_cancelled_from_either_server(request: pytest.FixtureRequest, at: str, notes: Notes) -> None:
    started, client = request.getfixturevalue("here"), request.getfixturevalue(at)
    prompt = f"gate never-{at}"
    name = in_background(started, prompt)
    with streaming(client, "GET", f"/responses/{name}", params={"stream": "true"}) as pieces:
        seen = read_until(pieces, "before ")
        body = told(client.post(f"/responses/{name}/cancel"))
        assert (body["status"], text_of(body), body["output"][0]["status"]) == ("cancelled", "before ", "incomplete")
        last = data_of(frames_of(seen + "".join(pieces))[-1])
    assert last["response"] == body
    notes.wait_for("cancelled", prompt)
    assert rows(notes.folder, "SELECT status FROM mserve_runs WHERE key = ?", name[5:]) == [("cancelled",)]
    assert told(client.post(f"/responses/{name}/cancel")) == told(started.get(f"/responses/{name}")) == body


def test_a_run_that_waits_for_its_first_word_is_cancelled(here: httpx.Client, notes: Notes) -> None:
    name = in_background(here, "wait never-2")
    assert told(here.post(f"/responses/{name}/cancel"))["status"] == "cancelled"
    assert notes.noted("ended", "wait never-2") == 0


def test_a_run_that_has_ended_is_cancelled_no_more(here: httpx.Client, there: httpx.Client) -> None:
    whole = make(here, "say it")
    assert told(there.post(f"/responses/{whole['id']}/cancel")) == whole
    assert told(here.get(f"/responses/{whole['id']}")) == whole


@pytest.mark.parametrize("at", ["here", "there"])
def test_a_response_is_deleted_and_its_run_ends(request: pytest.FixtureRequest, at: str, notes: Notes) -> None:
    started, client = request.getfixturevalue("here"), request.getfixturevalue(at)
    prompt = f"gate gone-{at}"
    active, whole = in_background(started, prompt), make(started, "say it")["id"]
    for name in (active, whole):
        assert told(client.delete(f"/responses/{name}")) == {"id": name, "object": "response", "deleted": True}
        assert refused(client.delete(f"/responses/{name}"), 404) == "not_found"
        assert refused(started.get(f"/responses/{name}"), 404) == "not_found"
    notes.wait_for("cancelled", prompt)


def items_of(client: httpx.Client, name: str, **query: Any) -> dict[str, Any]:
    return told(client.get(f"/responses/{name}/input_items", params=query))


def test_what_was_asked_is_listed_newest_first_page_by_page(here: httpx.Client, there: httpx.Client) -> None:
    asked = [{"role": "user", "content": f"say {number}"} for number in range(5)]
    name = make(here, asked)["id"]
    page = items_of(there, name)
    assert [item["content"][0]["text"] for item in page["data"]] == [f"say {number}" for number in (4, 3, 2, 1, 0)]
    assert {item["type"] for item in page["data"]} == {"message"}
    assert (page["object"], page["has_more"]) == ("list", False)
    assert (page["first_id"], page["last_id"]) == (page["data"][0]["id"], page["data"][-1]["id"])
    oldest = items_of(here, name, order="asc")["data"]
    assert oldest == page["data"][::-1]
    first = items_of(here, name, order="asc", limit=2)
    assert (first["data"], first["has_more"]) == (oldest[:2], True)
    rest = items_of(here, name, order="asc", limit=3, after=first["last_id"])
    assert (rest["data"], rest["has_more"]) == (oldest[2:], False)
    nothing = items_of(here, name, after=page["last_id"])
    assert (nothing["data"], nothing["first_id"], nothing["has_more"]) == ([], None, False)


@pytest.mark.parametrize(
    ("param", "value"), [("limit", "0"), ("limit", "101"), ("limit", "x"), ("order", "up"), ("after", "msg_nothing")]
)
def test_a_page_that_makes_no_sense_is_refused(here: httpx.Client, param: str, value: str) -> None:
    name = make(here, "say it")["id"]
    refused(here.get(f"/responses/{name}/input_items", params={param: value}), 400, param)


def test_what_a_chat_completion_was_asked_is_listed_too(here: httpx.Client) -> None:
    messages = [
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": [{"type": "text", "text": "say it"}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "sun"},
    ]
    answer = here.post("/chat/completions", json={"messages": messages}, headers={"X-Mserve-On-Disconnect": "detach"})
    listed = items_of(here, answer.headers["x-mserve-response-id"], order="asc")["data"]
    assert [item["type"] for item in listed] == ["message", "message", "function_call", "function_call_output"]
    assert ended(here, answer.headers["x-mserve-response-id"])["status"] == "completed"
