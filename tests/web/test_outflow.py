"""How a stream's frames are put into writes: the first at once, what comes closely behind together, each a frame."""

import asyncio
import json
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import httpx
import pytest

import mserve
from mserve import TextDelta
from mserve.events import Event
from mserve.options import Options, Times
from mserve.program import Call, Traits
from mserve.web.app import App
from processes import Serve, ServerProcess
from server.raw import asking, connect, rest
from web.test_hosts import Host, scope_of

PROGRAM = """
import asyncio

async def serve(prompt):
    count, pause = prompt.split()
    for number in range(int(count)):
        yield f"{number} "
        await asyncio.sleep(float(pause))
"""

SILENT = """
import asyncio

asked = 0

async def serve(prompt):
    global asked
    asked += 1
    if asked > 1:  # another choice
        for _ in range(60):
            yield "b"
            await asyncio.sleep(0.1)
    elif prompt == "word":
        yield "a"
    await asyncio.sleep(6)
"""


def writes_of(server: ServerProcess, prompt: str) -> list[tuple[float, list[str]]]:
    """Ask, and give the pieces of the chunked body: when each came, and the texts in it."""
    with connect(server) as connection:
        connection.sendall(asking(prompt, "Connection: close", stream=True))
        began = time.monotonic()
        raw, seen, told = b"", [], 0
        while block := connection.recv(65536):
            raw += block
            pieces = pieces_of(raw)
            seen += [(time.monotonic() - began, texts_of(piece)) for piece in pieces[told:]]
            told = len(pieces)
    assert raw.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
    return [(at, texts) for at, texts in seen if texts]


def pieces_of(raw: bytes) -> list[bytes]:
    """Give the chunks that have come as a whole."""
    _, _, left = raw.partition(b"\r\n\r\n")
    found = []
    while match := re.match(rb"([0-9a-f]+)\r\n", left):
        end = match.end() + int(match[1], 16)
        if len(left) < end + 2 or end == match.end():
            break
        found.append(left[match.end() : end])
        left = left[end + 2 :]
    return found


def texts_of(piece: bytes) -> list[str]:
    """Give the text of each frame."""
    frames = [frame.removeprefix(b"data: ") for frame in piece.split(b"\n\n") if frame.startswith(b"data: {")]
    deltas = [json.loads(frame)["choices"][0]["delta"] for frame in frames]
    return [delta["content"] for delta in deltas if delta.get("content")]


def told(writes: list[tuple[float, list[str]]]) -> list[str]:
    return [text for _, texts in writes for text in texts]


def words(count: int) -> list[str]:
    return [f"{number} " for number in range(count)]


def test_tokens_that_come_closely_share_a_write_and_no_frame(serve: Serve) -> None:
    writes = writes_of(serve(PROGRAM), "2000 0")
    assert told(writes) == words(2000)
    assert writes[0][1] == ["0 "]  # the first waits for nobody
    assert len(writes) < 500


def test_without_gathering_each_tick_is_a_write(serve: Serve) -> None:
    writes = writes_of(serve(PROGRAM, flags=("--gather-interval", "0")), "200 0")
    assert told(writes) == words(200)
    assert len(writes) > 150


def test_what_follows_a_write_waits_as_long_as_the_option_says_and_no_longer(serve: Serve) -> None:
    server = serve(PROGRAM, flags=("--gather-interval", "0.3"))
    writes = writes_of(server, "10 0.01")
    assert [texts for _, texts in writes] == [words(10)[:1], words(10)[1:]]
    assert 0.09 < writes[1][0] - writes[0][0] < 0.28  # the end of the answer does not wait
    writes = writes_of(server, "3 0.4")
    assert [texts for _, texts in writes] == [["0 "], ["1 "], ["2 "]]


@pytest.mark.parametrize(("prompt", "n"), [("word", 1), ("none", 1), ("word", 2), ("none", 2)])
def test_comments_and_other_choices_give_a_silent_program_no_time(serve: Serve, prompt: str, n: int) -> None:
    flags = ("--ping-interval", "0.1", "--grace-period", "0.1", "--event-timeout", "1", "--first-event-timeout", "1")
    server = serve(SILENT, flags=flags)
    body = {"messages": [{"role": "user", "content": prompt}], "stream": True, "n": n}
    began = time.monotonic()
    reply = httpx.post(f"{server.base_url}/chat/completions", json=body, timeout=10)
    assert '"code":"timeout"' in reply.text
    assert time.monotonic() - began < 4


@pytest.mark.parametrize("gather", [0.0, 0.001, 0.05])
async def test_a_host_that_offers_nothing_gets_all_by_send(gather: float) -> None:
    async def program() -> AsyncIterator[str]:
        for number in range(50):
            yield f"{number} "
            await asyncio.sleep(0)

    host = Host({"type": "http.request", "body": b'{"messages":[{"role":"user","content":"x"}],"stream":true}'})
    app = mserve.create_app(program, options=Options(times=Times(gather=gather)))
    async with asyncio.timeout(5):
        await app(scope_of(), host.receive, host.send)
    assert texts_of(b"".join(message.get("body", b"") for message in host.sent)) == words(50)
    assert [message.get("more_body", False) for message in host.sent[1:]][-2:] == [True, False]


async def test_what_is_refused_is_sent_and_nothing_comes_twice_or_out_of_order() -> None:
    async def program() -> AsyncIterator[Any]:
        for number in range(200):
            yield f"{number} " if number % 3 else TextDelta(f"{number} ")
            await asyncio.sleep(0.0005 * (number % 4))

    host = Host({"type": "http.request", "body": b'{"messages":[{"role":"user","content":"x"}],"stream":true}'})
    body: list[bytes] = []
    asked = 0

    def offer(frames: bytes) -> bool:
        nonlocal asked
        asked += 1
        if asked % 2:
            body.append(frames)
        return bool(asked % 2)

    async def send(message: Any) -> None:
        body.append(message.get("body", b""))
        await asyncio.sleep(0.001)
        await host.send(message)

    scope = scope_of() | {"extensions": {"mserve.offer": {"mserve.offer": offer}}}
    async with asyncio.timeout(5):
        await mserve.create_app(program)(scope, host.receive, send)
    assert texts_of(b"".join(body)) == words(200)
    assert asked > 20
    assert len(host.sent) > 10


class Unsayable:
    """A program with a word that no frame can hold, after which it goes on for so many more."""

    name = "unsayable"
    declares: frozenset[str] = frozenset()
    sync = False
    traits = Traits()
    lifespan = None

    def __init__(self, more: int) -> None:
        self._more = more
        self.is_closed = False

    async def run(self, _call: Call) -> AsyncGenerator[Event, None]:
        try:
            for text in ("a", "b", "\ud800", *("c" * self._more)):
                yield TextDelta(text)
                await asyncio.sleep(0.01)
            await asyncio.sleep(0 if self._more else 60)
        finally:
            self.is_closed = True


class OnceOnly(Host):
    """A host that lets nothing be begun twice, as servers do."""

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start" and self.sent:
            raise RuntimeError("begun twice")
        await super().send(message)


@pytest.mark.parametrize("more", [0, 1, 200])
@pytest.mark.parametrize("offers", [True, False])
async def test_a_stream_that_cannot_be_rendered_ends_at_once_and_not_as_if_it_were_whole(
    caplog: pytest.LogCaptureFixture, more: int, *, offers: bool
) -> None:
    program = Unsayable(more)
    body: list[bytes] = []
    host = OnceOnly({"type": "http.request", "body": b'{"messages":[{"role":"user","content":"x"}],"stream":true}'})
    scope = scope_of()
    if offers:
        scope |= {"extensions": {"mserve.offer": {"mserve.offer": lambda frames: not body.append(frames)}}}  # type: ignore[func-returns-value]
    app = App([program], Options())
    async with asyncio.timeout(5):
        await app(scope, host.receive, host.send)
        while not program.is_closed:
            await asyncio.sleep(0.01)
    body += [message.get("body", b"") for message in host.sent]
    assert sorted(texts_of(b"".join(body))) == ["a", "b"]
    assert b"[DONE]" not in b"".join(body)
    assert host.sent[-1]["more_body"]
    assert caplog.text.count("surrogates not allowed") == 1
    await app.close()


def test_all_that_was_said_is_there_where_the_connection_ends_with_it(serve: Serve) -> None:
    server = serve(PROGRAM)
    with connect(server) as connection:
        connection.sendall(asking("500 0", "Connection: close", stream=True))
        raw = rest(connection)
    assert [text for piece in pieces_of(raw) for text in texts_of(piece)] == words(500)
