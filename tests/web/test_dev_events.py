"""The events of a version that is being written, as its app tells them: who hears them, for how long, and how many."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from mserve.options import Options, Times
from mserve.programs.user import load
from mserve.web.app import App
from mserve.web.development import _BEHIND, _MOST, PATH, Edit, Fault
from mserve.web.keys import line_of
from processes import ServerProcess

LIMIT = 5.0
SERVING = {"type": "serving", "programs": ["one", "two"]}


def app_of(**options: Any) -> App:
    programs = load(lambda prompt: prompt, lambda prompt: prompt, names=("one", "two"))
    return App(programs, Options(**options), develops=True)


class Stream:
    """A client of one stream, as a host stands between them."""

    def __init__(self, app: App, method: str = "GET", *, reads: bool = True) -> None:
        self.sent: list[Any] = []
        self._left, self._news = asyncio.Event(), asyncio.Event()
        self._reads = asyncio.Event()
        if reads:
            self._reads.set()
        scope = {"type": "http", "method": method, "path": PATH, "headers": [], "query_string": b"", "root_path": ""}
        self.task = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self) -> Any:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        self.sent.append(message)
        self._news.set()
        if message["type"] == "http.response.body":
            await self._reads.wait()

    def leave(self) -> None:
        self._left.set()

    def read(self) -> None:
        self._reads.set()

    @property
    def text(self) -> str:
        return b"".join(message.get("body", b"") for message in self.sent).decode()

    @property
    def events(self) -> list[Any]:
        return [json.loads(line[6:]) for line in self.text.splitlines() if line.startswith("data: ")]

    async def until(self, count: int) -> list[Any]:
        async with asyncio.timeout(LIMIT):
            while len(self.events) < count:
                self._news.clear()
                await self._news.wait()
        return self.events

    async def end(self) -> list[Any]:
        async with asyncio.timeout(LIMIT):
            await self.task
        return self.events


async def test_a_stream_says_what_is_served_then_what_becomes_of_edits_and_ends_with_its_version() -> None:
    app = app_of()
    stream = Stream(app)
    await stream.until(1)
    app.tell(Edit(("hello.py", "words.py")))
    app.tell(Fault("words.py, line 1: syntax error"))
    await stream.until(3)
    app.retire()
    assert await stream.end() == [
        SERVING,
        {"type": "edited", "files": ["hello.py", "words.py"]},
        {"type": "failed", "reason": "words.py, line 1: syntax error"},
    ]
    start, *_, last = stream.sent
    assert start["status"] == 200
    assert (b"content-type", b"text/event-stream; charset=utf-8") in start["headers"]
    assert (last.get("body", b""), last.get("more_body", False)) == (b"", False)


async def test_who_comes_later_hears_why_the_last_edit_is_not_served_until_the_next() -> None:
    app = app_of()
    app.tell(Fault("broken"))
    late = Stream(app)
    assert await late.until(2) == [SERVING, {"type": "failed", "reason": "broken"}]
    app.tell(Edit(("hello.py",)))
    later = Stream(app)
    await late.until(3)
    await later.until(1)
    app.retire()
    assert await later.end() == [SERVING]
    await late.end()


async def test_a_version_that_ends_has_no_more_events() -> None:
    app = app_of()
    app.retire()
    stream = Stream(app)
    await stream.end()
    assert (stream.sent[0]["status"], stream.text) == (200, "")


async def test_there_are_so_many_streams_and_one_that_is_left_makes_room() -> None:
    app = app_of()
    streams = [Stream(app) for _ in range(_MOST)]
    for stream in streams:
        await stream.until(1)
    refused = Stream(app)
    await refused.end()
    assert refused.sent[0]["status"] == 429
    assert '"code":"too_many_streams"' in refused.text
    streams[0].leave()
    await streams[0].end()
    another = Stream(app)
    assert await another.until(1) == [SERVING]
    app.retire()
    for stream in (another, *streams):
        await stream.end()


async def test_who_does_not_read_is_hung_up_on_and_costs_no_more() -> None:
    app = app_of()
    stream = Stream(app, reads=False)
    await stream.until(1)
    for number in range(_BEHIND + 1):
        app.tell(Edit((f"{number}.py",)))
    stream.read()
    assert await stream.end() == [SERVING]
    app.tell(Fault("nobody listens"))


async def test_a_silent_stream_gets_comments() -> None:
    app = app_of(times=Times(ping=0.02))
    stream = Stream(app)
    async with asyncio.timeout(LIMIT):
        while stream.text.count(": ping\n\n") < 2:
            await asyncio.sleep(0.01)
    app.tell(Edit(("hello.py",)))
    await stream.until(2)
    app.retire()
    await stream.end()


async def test_a_head_has_no_events_and_ends_at_once() -> None:
    stream = Stream(app_of(), "HEAD")
    assert await stream.end() == []
    assert stream.sent[0]["status"] == 200


async def test_strangers_hear_nothing() -> None:
    stream = Stream(app_of(api_keys=(line_of("alice", "sesame"),)))
    await stream.end()
    assert stream.sent[0]["status"] == 401


def test_elsewhere_there_are_no_such_events(server: ServerProcess) -> None:
    reply = httpx.get(server.base_url.removesuffix("/v1") + PATH)
    assert (reply.status_code, reply.content) == (204, b"")


@pytest.mark.parametrize(("playground", "status"), [(True, 204), (False, 404)])
async def test_without_a_page_nobody_would_ask(*, playground: bool, status: int) -> None:
    stream = Stream(App(load(lambda prompt: prompt), Options(playground=playground)))
    await stream.end()
    assert stream.sent[0]["status"] == status


async def test_an_app_that_is_not_being_written_has_nobody_to_tell() -> None:
    app = App(load(lambda prompt: prompt), Options())
    app.tell(Edit(("hello.py",)))
    app.retire()
