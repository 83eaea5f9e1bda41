"""What programs share: opened once per module, by one task, at the host's start or at the first request."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

import mserve
from mserve.errors import ClientError, StartupError
from mserve.web.app import App

Lifespan = Callable[[], AbstractAsyncContextManager[Any]]


def recorded(events: list[Any], value: object = "shared") -> Lifespan:
    @asynccontextmanager
    async def lifespan() -> AsyncIterator[object]:
        events.append(("open", asyncio.current_task()))
        await asyncio.sleep(0)
        yield value
        events.append(("closed", asyncio.current_task()))

    return lifespan


async def serve(state: object) -> str:
    return f"state {state}"


async def other(state: object) -> str:
    return f"state {state}"


async def ask(app: App, model: str = "test_lifespan") -> httpx.Response:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://server/v1") as client:
        body = {"model": model, "messages": [{"role": "user", "content": "x"}]}
        return await client.post("/chat/completions", json=body)


async def test_it_is_opened_once_for_all_programs_and_closed_by_the_task_that_opened_it() -> None:
    events: list[Any] = []
    app = mserve.create_app(serve, other, lifespan=recorded(events))
    await asyncio.gather(app.open(), app.open())
    await app.open()
    assert (await ask(app, "other")).json()["choices"][0]["message"]["content"] == "state shared"
    await asyncio.create_task(app.close())
    await app.close()
    assert [event for event, _ in events] == ["open", "closed"]
    assert len({task for _, task in events}) == 1


async def test_a_host_without_a_lifespan_opens_it_at_the_first_request() -> None:
    events: list[Any] = []
    app = mserve.create_app(serve, lifespan=recorded(events))
    replies = await asyncio.gather(ask(app), ask(app))
    assert [reply.json()["choices"][0]["message"]["content"] for reply in replies] == ["state shared"] * 2
    assert [event for event, _ in events] == ["open"]
    await app.close()


async def test_a_program_without_one_has_no_state() -> None:
    app = mserve.create_app(serve)
    assert (await ask(app)).json()["choices"][0]["message"]["content"] == "state None"
    await app.close()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("no such database"), "ValueError: no such database"),
        (ClientError("take this"), "take this"),
        (SystemExit("no configuration"), "SystemExit: no configuration"),
    ],
)
async def test_one_that_fails_is_told_and_tried_anew(error: BaseException, told: str) -> None:
    failing = [error]

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[str]:
        if failing:
            raise failing.pop()
        yield "now"

    app = mserve.create_app(serve, lifespan=lifespan)
    with pytest.raises(StartupError, match=told):
        await app.open()
    assert (await ask(app)).json()["choices"][0]["message"]["content"] == "state now"
    await app.close()


async def test_one_that_fails_at_the_first_request_is_a_500_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    @asynccontextmanager
    async def lifespan() -> AsyncIterator[str]:
        raise ValueError("a secret")
        yield

    reply = await ask(mserve.create_app(serve, lifespan=lifespan))
    assert reply.status_code == 500
    assert "secret" not in reply.text
    assert "secret" in caplog.text


async def hosted(app: App, *messages: str) -> list[dict[str, Any]]:
    """Drive the app's lifespan as an ASGI host does."""
    inbox = iter(messages)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, str]:
        return {"type": next(inbox)}

    async def send(message: Any) -> None:
        sent.append(message)

    await app({"type": "lifespan"}, receive, send)
    return sent


async def test_an_asgi_host_opens_and_closes_it() -> None:
    events: list[Any] = []
    app = mserve.create_app(serve, lifespan=recorded(events))
    sent = await hosted(app, "lifespan.startup", "lifespan.shutdown")
    assert [message["type"] for message in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert [event for event, _ in events] == ["open", "closed"]


async def test_an_asgi_host_is_told_why_the_end_failed() -> None:
    @asynccontextmanager
    async def lifespan() -> AsyncIterator[str]:
        yield "open"
        raise ValueError("the pool is gone")

    sent = await hosted(mserve.create_app(serve, lifespan=lifespan), "lifespan.startup", "lifespan.shutdown")
    assert sent[1]["type"] == "lifespan.shutdown.failed"
    assert "the pool is gone" in sent[1]["message"]


async def test_waiters_of_a_failed_opening_do_not_disturb_the_next_one() -> None:
    events: list[str] = []

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[str]:
        events.append("open")
        await asyncio.sleep(0)
        if len(events) == 1:
            raise ValueError("once")
        yield "now"
        events.append("closed")

    app = mserve.create_app(serve, lifespan=lifespan)

    async def insist() -> None:
        try:
            await app.open()
        except StartupError:
            await app.open()

    await asyncio.gather(insist(), insist(), insist())
    await app.close()
    assert events == ["open", "open", "closed"]


async def test_one_that_is_slow_at_the_first_request_is_heard_of() -> None:
    @asynccontextmanager
    async def lifespan() -> AsyncIterator[str]:
        await asyncio.sleep(0.4)
        yield "now"

    times = mserve.Times(grace=0.1, ping=0.1)
    app = mserve.create_app(serve, lifespan=lifespan, options=mserve.Options(times=times))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://server/v1") as client:
        body = {"messages": [{"role": "user", "content": "x"}], "stream": True}
        text = (await client.post("/chat/completions", json=body)).text
    assert text.startswith(": ping\n\n")
    assert "state now" in text
    await app.close()


async def test_an_asgi_host_is_told_why_it_failed() -> None:
    @asynccontextmanager
    async def lifespan() -> AsyncIterator[str]:
        raise ValueError("no such database")
        yield

    (failed,) = await hosted(mserve.create_app(serve, lifespan=lifespan), "lifespan.startup")
    assert failed["type"] == "lifespan.startup.failed"
    assert "no such database" in failed["message"]


async def test_a_modules_own_lifespan_comes_before_the_apps(tmp_path: Path) -> None:
    events: list[Any] = []
    file = tmp_path / "own.py"
    file.write_text(
        "import contextlib\n"
        "@contextlib.asynccontextmanager\n"
        "async def lifespan():\n    yield 'its own'\n"
        "async def serve(state):\n    return f'state {state}'\n"
    )
    app = mserve.create_app(file, serve, lifespan=recorded(events, "the app's"))
    texts = [(await ask(app, model)).json()["choices"][0]["message"]["content"] for model in ("own", "test_lifespan")]
    assert texts == ["state its own", "state the app's"]
    await app.close()


async def test_closing_while_it_is_being_opened_ends_the_opening() -> None:
    events: list[str] = []

    @asynccontextmanager
    async def slow() -> AsyncIterator[str]:
        events.append("opening")
        try:
            await asyncio.Event().wait()
            yield "never"
        finally:
            events.append("ended")

    app = mserve.create_app(serve, lifespan=slow)
    opening = asyncio.create_task(app.open())
    while not events:
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await app.close()
        await asyncio.wait([opening])
    assert events == ["opening", "ended"]
    assert opening.cancelled()
