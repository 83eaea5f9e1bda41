"""Liveness and readiness, on our own server and on others, while it opens and while it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

import mserve
from mserve.web.app import App
from processes import ServerProcess

PATHS = ("/health/live", "/health/ready", "/health")


def root_of(server: ServerProcess) -> str:
    return server.base_url.removesuffix("/v1")


@pytest.mark.parametrize("path", PATHS)
def test_a_server_at_work_is_alive_and_ready(server: ServerProcess, path: str) -> None:
    reply = httpx.get(root_of(server) + path)
    assert (reply.status_code, reply.json()) == (200, {"status": "ok"})
    assert reply.headers["content-type"] == "application/json"
    head = httpx.head(root_of(server) + path)
    assert (head.status_code, head.content) == (200, b"")
    assert httpx.post(root_of(server) + path).status_code == 405


async def statuses(app: App) -> list[int]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return [(await client.get(path)).status_code for path in PATHS]


async def refusal(app: App) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.get("/health/ready")


async def test_any_host_hears_when_what_programs_share_is_open() -> None:
    go_on = asyncio.Event()

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        await go_on.wait()
        yield

    async def serve(prompt: str) -> str:
        return prompt

    app = mserve.create_app(serve, lifespan=lifespan)
    # A host without a lifespan opens at the first request, which would never come to what is not ready.
    assert await statuses(app) == [200, 200, 200]
    opening = asyncio.create_task(app.open())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert await statuses(app) == [200, 503, 503]
    reply = await refusal(app)
    assert reply.headers["retry-after"] == "1"
    assert reply.json()["error"] == {
        "message": "The server is starting: it does not take requests yet.",
        "type": "server_error",
        "param": None,
        "code": "starting",
    }
    go_on.set()
    await opening
    assert await statuses(app) == [200, 200, 200]
    await app.close()
    assert await statuses(app) == [200, 503, 503]
    assert (await refusal(app)).json()["error"]["code"] == "ending"
