"""Requests that go on from earlier ones: by an answer, by a conversation, or by an item."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

import mserve
from mserve.options import Options
from mserve.web.kept import past
from web.kept.asking import Notes, asked, ended, in_background, make, refused, text_of, told

TOOL = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}


def heard(client: httpx.Client, said: Any = "messages", **more: Any) -> list[dict[str, Any]]:
    """Give the messages that a program receives."""
    messages: list[dict[str, Any]] = json.loads(text_of(make(client, said, **more)))
    return messages


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text} | more


@pytest.mark.parametrize("store", [True, False])
def test_a_program_receives_the_whole_conversation_on_either_server(
    here: httpx.Client, there: httpx.Client, *, store: bool
) -> None:
    first = make(here, "say one", instructions="for the first alone")
    second = make(there, "say two", previous_response_id=first["id"])
    assert second["previous_response_id"] == first["id"]
    messages = heard(here, previous_response_id=second["id"], instructions="be kind", store=store)
    assert messages == [
        {"role": "system", "content": "be kind"},
        user("say one"),
        assistant("one"),
        user("say two"),
        assistant("two"),
        user("messages"),
    ]


def test_calls_and_thoughts_are_part_of_what_was_said(here: httpx.Client) -> None:
    first = make(here, "call", tools=[TOOL])
    output = {"type": "function_call_output", "call_id": "call_7", "output": "sun"}
    messages = heard(here, [output, user("messages")], previous_response_id=first["id"])
    called = {"id": "call_7", "type": "function", "function": {"name": "look", "arguments": '{"at": "sea"}'}}
    assert messages == [
        user("call"),
        {"role": "assistant", "content": None, "tool_calls": [called], "reasoning_content": "where?"},
        {"role": "tool", "tool_call_id": "call_7", "content": "sun"},
        user("messages"),
    ]


def test_a_chat_completion_is_gone_on_from_too(here: httpx.Client) -> None:
    body = {"messages": [{"role": "system", "content": "be kind"}, user("say one")], "n": 2}
    answer = here.post("/chat/completions", json=body, headers={"X-Mserve-On-Disconnect": "detach"})
    messages = heard(here, previous_response_id=answer.headers["x-mserve-response-id"])
    assert messages == [{"role": "system", "content": "be kind"}, user("say one"), assistant("one"), user("messages")]


@pytest.mark.parametrize("name", ["resp_nothing", "nothing", "resp_"])
def test_an_answer_that_is_not_there_is_not_gone_on_from(here: httpx.Client, name: str) -> None:
    answer = here.post("/responses", json=asked("x", previous_response_id=name))
    assert refused(answer, 400, "previous_response_id") == "previous_response_not_found"


def test_a_conversation_with_a_gap_is_not_gone_on_from(here: httpx.Client) -> None:
    first = make(here, "say one")
    second = make(here, "say two", previous_response_id=first["id"])
    told(here.delete(f"/responses/{first['id']}"))
    assert told(here.get(f"/responses/{second['id']}")) == second
    for name in (first["id"], second["id"]):
        answer = here.post("/responses", json=asked("x", previous_response_id=name))
        assert refused(answer, 400, "previous_response_id") == "previous_response_not_found"


def test_an_answer_that_is_about_to_be_whole_is_waited_for(
    here: httpx.Client, there: httpx.Client, notes: Notes
) -> None:
    name = in_background(here, "gate soon")
    notes.wait_for("begun", "gate soon")
    notes.open("soon")
    expected = [user("gate soon"), assistant("before after"), user("messages")]
    assert heard(there, previous_response_id=name) == expected


async def test_an_answer_that_does_not_become_whole_is_not_gone_on_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "_PATIENCE", 0.05)

    async def program() -> AsyncIterator[str]:
        yield "a"
        await asyncio.Event().wait()

    app = mserve.create_app(program, options=Options(store=f"sqlite:///{tmp_path}/runs.db"))
    host = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=host, base_url="http://host/v1") as client:
        body = told(await client.post("/responses", json=asked("x", background=True)))
        answer = await client.post("/responses", json=asked("y", previous_response_id=body["id"]))
        assert refused(answer, 409, "previous_response_id") == "response_not_complete"
    await app.close()


def test_an_item_that_was_said_or_asked_is_meant_again(here: httpx.Client, there: httpx.Client) -> None:
    first = make(here, "say one")
    (question,) = told(here.get(f"/responses/{first['id']}/input_items"))["data"]
    (answer,) = first["output"]
    means: Sequence[dict[str, Any]] = [
        {"type": "item_reference", "id": question["id"]},
        {"id": answer["id"]},
        user("messages"),
    ]
    expected = [user("say one"), assistant("one"), user("messages")]
    assert heard(there, means) == heard(there, means, store=False) == expected
    second = make(there, [*means[:2], user("say two")])
    again = heard(here, previous_response_id=second["id"])
    assert again == [user("say one"), assistant("one"), user("say two"), assistant("two"), user("messages")]


@pytest.mark.parametrize("name", ["msg_nothing_0", "nothing", "msg_a_b_c"])
def test_an_item_that_is_not_there_is_a_404(here: httpx.Client, name: str) -> None:
    answer = here.post("/responses", json=asked([{"type": "item_reference", "id": name}]))
    assert refused(answer, 404, "input") == "not_found"


def test_an_item_of_a_response_that_has_another_is_a_404(here: httpx.Client) -> None:
    name = make(here, "say one")["output"][0]["id"].replace("_0", "_7")
    answer = here.post("/responses", json=asked([{"type": "item_reference", "id": name}]))
    assert refused(answer, 404, "input") == "not_found"


@pytest.mark.parametrize("as_object", [False, True])
def test_a_conversation_takes_what_was_asked_and_said_on_either_server(
    here: httpx.Client, there: httpx.Client, *, as_object: bool
) -> None:
    name = told(here.post("/conversations", json={"items": [{"role": "system", "content": "be kind"}]}))["id"]
    means: Any = {"id": name} if as_object else name
    first = make(here, "say one", conversation=means)
    assert first["conversation"] == {"id": name}
    second = make(there, "call", conversation=means, tools=[TOOL], store=False)
    assert second["output"][-1]["call_id"] == "call_7"
    output = {"type": "function_call_output", "call_id": "call_7", "output": "sun"}
    messages = heard(here, [output, user("messages")], conversation=means)
    assert [message["role"] for message in messages] == ["system", *["user", "assistant"] * 2, "tool", "user"]
    listed = told(there.get(f"/conversations/{name}/items", params={"order": "asc"}))["data"]
    types = [item["type"] for item in listed]
    assert types[:6] == ["message", "message", "message", "message", "reasoning", "function_call"]
    assert types[6:] == ["function_call_output", "message", "message"]
    assert listed[2] == first["output"][0]
    assert told(here.get(f"/conversations/{name}/items/{listed[2]['id']}")) == listed[2]


def test_what_fails_adds_nothing_to_a_conversation(here: httpx.Client) -> None:
    name = told(here.post("/conversations", json={}))["id"]
    assert here.post("/responses", json=asked("fail-late", conversation=name)).status_code == 500
    assert told(here.get(f"/conversations/{name}/items"))["data"] == []
    assert text_of(make(here, "cut", conversation=name)) == "half"
    assert len(told(here.get(f"/conversations/{name}/items"))["data"]) == 2


def test_a_conversation_that_is_deleted_meanwhile_takes_nothing_and_its_answer_stays(
    here: httpx.Client, notes: Notes
) -> None:
    name = told(here.post("/conversations", json={}))["id"]
    response = in_background(here, "gate talk", conversation=name)
    told(here.delete(f"/conversations/{name}"))
    notes.open("talk")
    assert text_of(ended(here, response)) == "before after"


@pytest.mark.parametrize("name", ["conv_nothing", "nothing", "conv_"])
def test_a_conversation_that_is_not_there_is_a_404(here: httpx.Client, name: str) -> None:
    assert refused(here.post("/responses", json=asked("x", conversation=name)), 404, "conversation") == "not_found"


def test_an_item_of_a_conversation_is_meant_again(here: httpx.Client) -> None:
    name = told(here.post("/conversations", json={"items": [user("say one")]}))["id"]
    (item,) = told(here.get(f"/conversations/{name}/items"))["data"]
    means = [{"type": "item_reference", "id": item["id"]}, user("messages")]
    assert heard(here, means, conversation=name) == [user("say one"), user("say one"), user("messages")]
