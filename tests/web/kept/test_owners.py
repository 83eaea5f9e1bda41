"""Who made something, alone knows of it: to every other key it does not exist."""

from collections.abc import Iterator

import httpx
import pytest

from web.kept.asking import Server, asked, chat, in_background, make, refused, text_of, told

KEYS = {"anna": "key-of-anna", "bert": "key-of-bert"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    flags = [flag for name, key in KEYS.items() for flag in ("--api-key", f"{name}:{key}")]
    with Server(tmp_path_factory.mktemp("owners"), *flags) as server:
        yield server


def client_of(server: Server, name: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {KEYS[name]}"}
    return httpx.Client(base_url=server.base_url, timeout=20, headers=headers)


@pytest.fixture(scope="module")
def anna(server: Server) -> Iterator[httpx.Client]:
    with client_of(server, "anna") as client:
        yield client


@pytest.fixture(scope="module")
def bert(server: Server) -> Iterator[httpx.Client]:
    with client_of(server, "bert") as client:
        yield client


def test_a_response_is_its_makers_alone(anna: httpx.Client, bert: httpx.Client) -> None:
    body = make(anna, "say it")
    path = f"/responses/{body['id']}"
    for answer in (
        bert.get(path),
        bert.get(path, params={"stream": "true"}),
        bert.get(f"{path}/input_items"),
        bert.post(f"{path}/cancel"),
        bert.delete(path),
    ):
        assert refused(answer, 404) == "not_found"
        assert "key" not in answer.text
    assert told(anna.get(path)) == body


def test_a_run_is_its_makers_alone_to_end(anna: httpx.Client, bert: httpx.Client) -> None:
    name = in_background(anna, "gate never")
    assert refused(bert.post(f"/responses/{name}/cancel"), 404) == "not_found"
    assert refused(bert.delete(f"/responses/{name}"), 404) == "not_found"
    assert told(anna.get(f"/responses/{name}"))["status"] in ("queued", "in_progress")
    assert told(anna.post(f"/responses/{name}/cancel"))["status"] == "cancelled"


def test_nobody_else_goes_on_from_an_answer_or_means_its_items(anna: httpx.Client, bert: httpx.Client) -> None:
    body = make(anna, "say it")
    (question,) = told(anna.get(f"/responses/{body['id']}/input_items"))["data"]
    answer = bert.post("/responses", json=asked("x", previous_response_id=body["id"]))
    assert refused(answer, 400, "previous_response_id") == "previous_response_not_found"
    for name in (body["output"][0]["id"], question["id"]):
        answer = bert.post("/responses", json=asked([{"type": "item_reference", "id": name}]))
        assert refused(answer, 404, "input") == "not_found"


def test_a_conversation_is_its_makers_alone(anna: httpx.Client, bert: httpx.Client) -> None:
    items = {"items": [{"role": "user", "content": "a secret"}]}
    made = told(anna.post("/conversations", json=items))
    path = f"/conversations/{made['id']}"
    (item,) = told(anna.get(f"{path}/items"))["data"]
    for answer in (
        bert.get(path),
        bert.post(path, json={"metadata": {}}),
        bert.delete(path),
        bert.get(f"{path}/items"),
        bert.post(f"{path}/items", json=items),
        bert.get(f"{path}/items/{item['id']}"),
        bert.delete(f"{path}/items/{item['id']}"),
    ):
        assert refused(answer, 404) == "not_found"
        assert "secret" not in answer.text
    refused(bert.post("/responses", json=asked("x", conversation=made["id"])), 404, "conversation")
    assert told(anna.get(f"{path}/items"))["data"] == [item]


def test_a_key_of_idempotency_is_of_one_api_key(anna: httpx.Client, bert: httpx.Client) -> None:
    headers = {"Idempotency-Key": "the same"}
    first = told(anna.post("/responses", json=asked("numbered mine"), headers=headers))
    other = told(bert.post("/responses", json=asked("numbered mine"), headers=headers))
    assert [text_of(first), text_of(other)] == ["number 1", "number 2"]
    assert told(anna.post("/responses", json=asked("numbered mine"), headers=headers)) == first
    assert told(bert.post("/responses", json=asked("numbered mine"), headers=headers)) == other
    headers["Idempotency-Key"] = "another body"
    assert anna.post("/chat/completions", json=chat("say it"), headers=headers).status_code == 200
    assert bert.post("/responses", json=asked("say it"), headers=headers).status_code == 200


def test_without_a_key_nothing_is_told(server: Server, anna: httpx.Client) -> None:
    name = make(anna, "say it")["id"]
    for path in (f"/responses/{name}", f"/responses/{name}/input_items", "/conversations/conv_1"):
        assert refused(httpx.get(server.base_url + path), 401) == "invalid_api_key"
