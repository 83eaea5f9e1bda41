"""A program that asks for it gets the turns of a conversation on one replica, whoever takes them in."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from on_ray.asking import client
from on_ray.conftest import PROGRAMS
from raying import RayServer, postgresql

TALKS = 12
TURNS = 4


@pytest.fixture(scope="module")
def homely() -> Iterator[RayServer]:
    replicas = ("--replicas", "3", "--ingress-replicas", "2")
    server = RayServer(str(PROGRAMS / "homely.py"), *replicas, env={"MSERVE_STORE": postgresql()})
    server.deploy()
    yield server
    server.stop()


async def chat(http: httpx.AsyncClient, url: str, messages: list[dict[str, Any]], **fields: Any) -> str:
    answer = await http.post(f"{url}/chat/completions", json={"model": "homely", "messages": messages, **fields})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["choices"][0]["message"]["content"])


def spread(said: dict[int, list[str]], server: RayServer) -> None:
    """Each talk met one replica, in order; and all of them did not meet the same one."""
    for talk, turns in said.items():
        assert [turn.split()[1] for turn in turns] == [str(number + 1) for number in range(TURNS)], talk
        assert len({turn.split()[0] for turn in turns}) == 1, turns
    homes = {int(turns[0].split()[0]) for turns in said.values()}
    assert homes <= server.replicas("homely")
    assert len(homes) > 1


async def test_turns_that_clients_send_again(homely: RayServer) -> None:
    said: dict[int, list[str]] = {talk: [] for talk in range(TALKS)}
    talks: dict[int, list[dict[str, Any]]] = {talk: [] for talk in range(TALKS)}
    async with client() as http:
        for turn in range(TURNS):
            for talk, messages in talks.items():
                messages.append({"role": "user", "content": f"talk {talk}, turn {turn}"})
                answer = await chat(http, homely.base_url, messages)
                messages.append({"role": "assistant", "content": answer})
                said[talk].append(answer)
    spread(said, homely)


async def test_turns_that_the_server_keeps(homely: RayServer) -> None:
    said: dict[int, list[str]] = {talk: [] for talk in range(TALKS)}
    before: dict[int, str] = {}
    async with client() as http:
        for turn in range(TURNS):
            for talk in range(TALKS):
                asked = {"model": "homely", "input": f"talk {talk}, turn {turn}"}
                previous = {"previous_response_id": before[talk]} if turn else {}
                answer = (await http.post(f"{homely.base_url}/responses", json=asked | previous)).json()
                before[talk] = answer["id"]
                said[talk].append(answer["output"][0]["content"][0]["text"])
    spread(said, homely)


async def test_requests_that_a_client_says_belong_together(homely: RayServer) -> None:
    async with client() as http:
        for key in ("one", "another"):
            said = {
                (
                    await chat(http, homely.base_url, [{"role": "user", "content": f"{number}"}], prompt_cache_key=key)
                ).split()[0]
                for number in range(8)
            }
            assert len(said) == 1
