"""A hundred requests with one idempotency key at once, over two processes: one run, and its answer for all of them."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest

from faults.resuming import ALL, Served, clients, until

RETRIES = 100
PATHS: Mapping[str, dict[str, Any]] = {
    "/chat/completions": {"messages": [{"role": "user", "content": f"retried 0.01 {ALL}"}]},
    "/responses": {"input": f"retried 0.01 {ALL}"},
}


def two_servers(served: Served) -> list[str]:
    return [served.start().base_url, served.start().base_url]


def two_workers(served: Served) -> list[str]:
    return 2 * [served.start("--workers", "2").base_url]


Start = Callable[[Served], list[str]]
STARTS = pytest.mark.parametrize(
    ("start", "chat_streams"), [(two_servers, False), (two_workers, True)], ids=["two servers", "two workers"]
)


@STARTS
async def test_retries_get_the_answer_of_one_run_whatever_becomes_of_the_first(
    served: Served, start: Start, chat_streams: bool
) -> None:
    urls = start(served)
    async with clients() as client:
        for path in PATHS:
            retried = Retried(client, urls, path, stream=chat_streams == ("chat" in path))
            begun = len(served.asked())
            await retried.assert_all_get_one_answer()
            assert len(served.asked()) == begun + 1
        retried = Retried(client, urls, "/responses", stream=chat_streams)
        begun = len(served.asked())
        first = asyncio.create_task(retried.ask(0))
        await until(lambda: len(served.asked()) > begun)
        first.cancel()
        await asyncio.wait([first])
        await retried.assert_all_get_one_answer()
        assert len(served.asked()) == begun + 1


class Retried:
    """One request, and its key."""

    def __init__(self, client: httpx.AsyncClient, urls: list[str], path: str, *, stream: bool) -> None:
        self._client = client
        self._urls = urls
        self._path = path
        self._body = {"model": "m", "stream": stream} | PATHS[path]
        self._key = f"{path} {stream}"

    async def ask(self, number: int) -> httpx.Response:
        url = self._urls[number % 2]
        return await self._client.post(f"{url}{self._path}", json=self._body, headers={"Idempotency-Key": self._key})

    async def assert_all_get_one_answer(self) -> None:
        answers = await asyncio.gather(*map(self.ask, range(RETRIES)))
        assert [answer.status_code for answer in answers] == [200] * RETRIES, {answer.text for answer in answers}
        later = await self.ask(1)
        assert {answer.content for answer in answers} == {later.content}
        assert b"more 8" in later.content
