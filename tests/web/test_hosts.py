"""The app in other ASGI hosts: mounted, without a lifespan, and with the hosts' own ways to say that a client left."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

import mserve
from mserve.web.app import App
from mserve.web.leaving import LEAVING

BODY = b'{"messages":[{"role":"user","content":"x"}],"stream":true}'


async def serve(prompt: str, headers: Any) -> AsyncIterator[str]:
    yield f"{prompt} for {headers['x-user']}"


async def test_it_can_be_mounted_below_another_app() -> None:
    host = Starlette(routes=[Mount("/ai", app=mserve.create_app(serve))])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=host), base_url="http://host/ai/v1") as client:
        body = {"messages": [{"role": "user", "content": "hi"}]}
        reply = await client.post("/chat/completions", json=body, headers={"X-User": "me"})
        assert reply.json()["choices"][0]["message"]["content"] == "hi for me"
        assert (await client.get("/models")).json()["data"][0]["id"] == "test_hosts"
        assert (await client.get("/nowhere")).status_code == 404


def scope_of(kind: str = "http", path: str = "/v1/chat/completions") -> dict[str, Any]:
    headers = [(b"content-type", b"application/json"), (b"x-user", b"me")]
    return {"type": kind, "method": "POST", "path": path, "headers": headers, "query_string": b""}


class Host:
    """An ASGI host of one request: it gives messages one by one, those that are left, and keeps what it is sent."""

    def __init__(self, *messages: dict[str, Any], refuses: int | None = None) -> None:
        self.left = list(messages)
        self._refuses = refuses
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> Any:
        if self.left:
            return self.left.pop(0)
        return await asyncio.Event().wait()

    async def send(self, message: Any) -> None:
        if self._refuses == len(self.sent):
            raise OSError("the client left")
        self.sent.append(message)

    async def serve(self, app: App, scope: dict[str, Any]) -> None:
        async with asyncio.timeout(5):
            await app(scope, self.receive, self.send)


@pytest.mark.parametrize("at", [0, 1, 2])
async def test_a_host_whose_send_raises_when_the_client_left_gets_a_closed_program(at: int) -> None:
    closed = asyncio.Event()

    async def program() -> AsyncIterator[str]:
        try:
            while True:
                yield "a"
                await asyncio.sleep(0)
        finally:
            closed.set()

    app = mserve.create_app(program)
    host = Host({"type": "http.request", "body": BODY}, refuses=at)
    await host.serve(app, scope_of())
    assert len(host.sent) == at
    async with asyncio.timeout(5):
        await closed.wait()
    await app.close()


async def test_a_body_in_pieces_is_one_body() -> None:
    first: dict[str, Any] = {"type": "http.request", "body": BODY[:9], "more_body": True}
    host = Host(first, {"type": "http.request", "body": BODY[9:]})
    await host.serve(mserve.create_app(serve), scope_of())
    assert b"x for me" in b"".join(message.get("body", b"") for message in host.sent)


async def test_a_client_that_leaves_before_its_body_is_whole_gets_nothing() -> None:
    host = Host({"type": "http.request", "body": BODY[:9], "more_body": True}, {"type": "http.disconnect"})
    await host.serve(mserve.create_app(serve), scope_of())
    assert host.sent == []


@pytest.mark.parametrize("stream", [b"true", b"false"])
async def test_a_client_that_leaves_before_the_first_word_gets_nothing(stream: bytes) -> None:
    async def program() -> str:
        await asyncio.Event().wait()
        return "never"

    app = mserve.create_app(program)
    # Some hosts give an empty piece once more before they tell that the client left.
    pieces = ({"type": "http.request", "body": BODY.replace(b"true", stream)}, {"type": "http.request", "body": b""})
    host = Host(*pieces, {"type": "http.disconnect"})
    await host.serve(app, scope_of())
    assert host.sent == []
    await app.close()


@pytest.mark.parametrize("stream", [b"true", b"false"])
async def test_a_host_that_offers_to_tell_who_leaves_is_not_asked_for_it(stream: bytes) -> None:
    begun, offered = asyncio.Event(), asyncio.Queue[Any]()

    async def program() -> str:
        begun.set()
        await asyncio.Event().wait()
        return "never"

    app = mserve.create_app(program)
    host = Host({"type": "http.request", "body": BODY.replace(b"true", stream)}, {"type": "never asked for"})
    offers = {"extensions": {LEAVING: {LEAVING: offered.put_nowait}}}
    serving = asyncio.create_task(host.serve(app, scope_of() | offers))
    await begun.wait()
    assert not serving.done()
    offered.get_nowait()()
    await serving
    assert (host.sent, len(host.left)) == ([], 1)
    await app.close()


class BrokenHost(Host):
    async def receive(self) -> Any:
        raise RuntimeError("a secret of the host")


@pytest.mark.parametrize("refuses", [None, 0])
async def test_a_host_that_fails_is_an_error_in_the_log_and_a_500_where_it_can_be_sent(
    refuses: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    host = BrokenHost(refuses=refuses)
    await host.serve(mserve.create_app(serve), scope_of())
    assert "a secret of the host" in caplog.text
    sent = b"".join(message.get("body", b"") for message in host.sent)
    assert b"secret" not in sent
    assert (b'"code":"internal_error"' in sent) == (refuses is None)


async def test_a_websocket_is_closed() -> None:
    host = Host()
    await host.serve(mserve.create_app(serve), scope_of("websocket", "/v1/realtime"))
    assert [message["type"] for message in host.sent] == ["websocket.close"]


async def test_a_run_that_the_server_ends_tells_its_stream() -> None:
    async def program() -> AsyncIterator[str]:
        yield "a"
        await asyncio.Event().wait()

    app = mserve.create_app(program)
    host = Host({"type": "http.request", "body": BODY})
    serving = asyncio.create_task(host.serve(app, scope_of()))
    while len(host.sent) < 2:
        await asyncio.sleep(0)
    await app.close()
    await serving
    last = host.sent[-1]["body"]
    assert b'"code":"cancelled"' in last
    assert last.endswith(b"data: [DONE]\n\n")
