"""A server that keeps nothing: answers are given as ever, and all else says so."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from web.kept.asking import Server, asked, chat, data_of, frames_of, make, refused, text_of, told


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with Server(tmp_path_factory.mktemp("none"), "--store", "none") as server:
        yield server.client


def test_responses_are_made_and_say_that_they_are_not_stored(client: httpx.Client) -> None:
    body = make(client, "say it")
    assert (text_of(body), body["store"]) == ("it", False)
    assert make(client, "say it", store=True)["store"] is False
    frames = frames_of(client.post("/responses", json=asked("say it", stream=True)).text)
    assert data_of(frames[-1])["response"]["store"] is False


def test_a_key_that_nothing_is_kept_by_is_ignored(client: httpx.Client) -> None:
    headers = {"Idempotency-Key": "1"}
    answers = [told(client.post("/chat/completions", json=chat("numbered key"), headers=headers)) for _ in range(2)]
    assert [answer["choices"][0]["message"]["content"] for answer in answers] == ["number 1", "number 2"]


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"background": True}, "background"),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input"),
    ],
)
def test_what_needs_a_store_is_refused_by_its_name(client: httpx.Client, more: dict[str, Any], param: str) -> None:
    assert refused(client.post("/responses", json=asked("x") | more), 400, param) == "store_disabled"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/responses/resp_1"),
        ("GET", "/responses/resp_1?stream=true"),
        ("DELETE", "/responses/resp_1"),
        ("POST", "/responses/resp_1/cancel"),
        ("GET", "/responses/resp_1/input_items"),
        ("POST", "/conversations"),
        ("GET", "/conversations/conv_1"),
        ("GET", "/conversations/conv_1/items"),
    ],
)
def test_nothing_is_found(client: httpx.Client, method: str, path: str) -> None:
    assert refused(client.request(method, path, json={} if method == "POST" else None), 404) == "store_disabled"


def test_no_file_is_made(client: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> None:
    make(client, "say it")
    folder: Path = next(tmp_path_factory.getbasetemp().glob("none*"))
    assert list(folder.glob("*.db*")) == []
