"""The head of an answer, against uvicorn's own of the same app, and how an app hears that its client left."""

import asyncio
import weakref
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from mserve.server.config import Settings
from mserve.server.cycle import Outlet
from mserve.server.limits import Shared
from mserve.server.uvicorn_config import uvicorn_config
from mserve.web.leaving import LEAVING

Message = Mapping[str, Any]
LENGTH = (b"content-length", b"2")
DATE = (b"date", b"today")


def starts(*headers: Sequence[bytes], status: int = 200) -> Message:
    return {"type": "http.response.start", "status": status, "headers": headers}


def body(text: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": text, "more_body": more}


ANSWERS = {
    "whole": [starts((b"content-type", b"a/b"), LENGTH), body(b"hi")],
    "in pieces": [starts(LENGTH), body(b"h", more=True), body(b"i")],
    "without a length": [starts((b"x", b"\xe9")), body(b"h", more=True), body(b"i")],
    "in chunks": [starts((b"transfer-encoding", b"chunked")), body(b"hi")],
    "without headers": [{"type": "http.response.start", "status": 200}, body(b"hi")],
    "as lists": [starts([b"x", b"y"], [*LENGTH]), body(b"hi")],
    "of nothing": [starts(status=204), body(b"")],
    "not changed": [starts(status=304), body(b"")],
    "two alike": [starts((b"vary", b"a"), (b"vary", b"b"), LENGTH), body(b"hi")],
    "closing": [starts((b"connection", b"Close"), LENGTH), body(b"hi")],
    "of no known status": [starts(LENGTH, status=599), body(b"hi")],
    "a second line": [starts((b"x", b"y\r\nz: w"), LENGTH), body(b"hi")],
    "a second head": [starts((b"x", b"y\r\n\r\n"), LENGTH), body(b"hi")],
    "a bare return": [starts((b"x", b"y\rz"), LENGTH), body(b"hi")],
    "a zero": [starts((b"x", b"\0"), LENGTH), body(b"hi")],
    "no name": [starts((b"x y", b"z"), LENGTH), body(b"hi")],
    "a line in a name": [starts((b"x: y\r\nz", b"w"), LENGTH), body(b"hi")],
    "no head": [body(b"hi")],
    "no body": [starts(LENGTH)],
    "too long": [starts(LENGTH), body(b"him")],
    "too short": [starts(LENGTH), body(b"h")],
}
WRONG = {"a second line", "a second head", "a bare return", "a zero", "no name", "a line in a name"}
REQUESTS = [
    b"%b /a%%20b?c=d %b\r\nHost: h\r\nX-Y: z\r\n%b\r\n" % (method, version, connection)
    for method in (b"GET", b"HEAD")
    for version, connection in ((b"HTTP/1.1", b""), (b"HTTP/1.1", b"Connection: close\r\n"), (b"HTTP/1.0", b""))
]


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_is_byte_by_byte_what_uvicorn_would_say(name: str) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        for message in ANSWERS[name]:
            await send(message)

    for request in REQUESTS:
        ours, theirs = await told(app, request)
        assert ours == theirs, request
        assert ours.startswith(b"HTTP/1.1 ") == (name not in WRONG)


@pytest.mark.parametrize("request_", [*REQUESTS, b"GET //a HTTP/1.1\r\nHost: h\r\nA: b\r\nA: c\r\n\r\n"])
async def test_an_app_is_told_of_a_request_what_uvicorn_would_tell(request_: bytes) -> None:
    seen: list[dict[str, Any]] = []

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        seen.append({key: value for key, value in scope.items() if key not in ("extensions", "server", "client")})
        await send(starts(LENGTH))
        await send(body(b"hi"))

    await told(app, request_)
    half = len(seen) // 2
    assert seen[:half] == seen[half:]


async def told(app: Any, request: bytes) -> tuple[bytes, bytes]:
    """What our server says, and uvicorn's, to one request and to what comes after it."""
    config = uvicorn_config(app, Settings(root_path="/r", log_level="critical"))
    config.load()
    shared, state = Shared(10, lambda *_: ""), ServerState()
    shared.default_headers = state.default_headers = [DATE]
    ours = partial(config.http_protocol_class, config=config, server_state=shared, app_state={})  # type: ignore[call-arg]
    theirs = partial(HttpToolsProtocol, config=config, server_state=state, app_state={})
    return await answer_of(ours, request), await answer_of(theirs, request)


async def answer_of(make: Any, request: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(10), await loop.create_server(make, "127.0.0.1") as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        said = b""
        writer.write(request)
        while b"\r\n\r\n" not in said and (piece := await reader.read(65536)):
            said += piece
        # The same again, the last of its connection: so it is seen whether that stayed open.
        writer.write(request.replace(b"Host", b"Connection: close\r\nHost"))
        said += await reader.read()
        writer.close()
    return said


async def test_an_answer_that_is_whole_is_told_of_no_client_that_leaves_and_kept_by_no_connection() -> None:
    heard: list[str] = []
    kept: list[weakref.ref[Any]] = []

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        def ring() -> None:
            heard.append(scope["path"])

        kept.append(weakref.ref(ring))
        scope["extensions"][LEAVING][LEAVING](ring)
        await send(starts(LENGTH))
        await send(body(b"hi"))

    config = uvicorn_config(app, Settings())
    config.load()
    make = partial(config.http_protocol_class, config=config, server_state=Shared(10, lambda *_: ""), app_state={})  # type: ignore[call-arg]
    async with asyncio.timeout(10), await asyncio.get_running_loop().create_server(make, "127.0.0.1") as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(REQUESTS[0])
        await reader.readuntil(b"hi")
        assert kept[0]() is None
        writer.write(REQUESTS[0].replace(b"Host", b"Connection: close\r\nHost"))
        await reader.read()
        writer.close()
    assert (len(kept), heard) == (2, [])


async def test_who_listens_late_hears_at_once_that_the_client_has_left_and_nobody_hears_it_after_the_answer() -> None:
    heard: list[str] = []
    transport: Any = asyncio.Transport()
    early, late, answered = (Outlet(transport, FlowControl(transport), lambda: None) for _ in range(3))
    early.listen(lambda: heard.append("early"))
    assert heard == []
    early.leave()
    early.leave()
    late.leave()
    late.listen(lambda: heard.append("late"))
    answered.listen(lambda: heard.append("answered"))
    answered.answered()
    answered.leave()
    assert heard == ["early", "late"]


async def test_an_answer_begins_once_those_before_it_are_read_and_not_where_its_client_has_left() -> None:
    large = b"x" * 8_000_000
    begun: list[str] = []
    left, over = asyncio.Event(), asyncio.Event()

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        scope["extensions"][LEAVING][LEAVING](left.set)
        if scope["path"] == "/late":
            await left.wait()
        length = b"%d" % len(large)
        await send(starts((b"content-length", length)))
        begun.append(scope["path"])
        await send(body(large))
        if scope["path"] == "/late":
            over.set()

    config = uvicorn_config(app, Settings())
    config.load()
    make = partial(config.http_protocol_class, config=config, server_state=Shared(10, lambda *_: ""), app_state={})  # type: ignore[call-arg]
    async with asyncio.timeout(10), await asyncio.get_running_loop().create_server(make, "127.0.0.1") as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"".join(b"GET /%b HTTP/1.1\r\nHost: h\r\n\r\n" % name for name in (b"a", b"b", b"late")))
        while not begun:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert begun == ["/a"]
        for _ in range(2):
            await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(len(large)) == large
        writer.close()
        await over.wait()
    assert begun == ["/a", "/b", "/late"]
