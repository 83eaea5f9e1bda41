"""Requests of every outcome in a mixed order, each with what its client saw, and so what the server has to count."""

import asyncio
import contextlib
import json
import random
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any, NamedTuple

import httpx

from processes import ServerProcess
from server.raw import posting

KEYS = {"anna": "the-key-of-anna-7f3a", "bob": "the-key-of-bob-91cc"}
WRONG_KEY = "the-key-of-nobody-55"

LEFT = frozenset({"client_left"})
STOPPED = frozenset({"finished:stop"})
CANCELLED = frozenset({"cancelled"})
FAILED = frozenset({"failed"})
_SIGNS = {"byte": b": ping", "word": b'"content"'}


class Seen(NamedTuple):
    """One request as its client saw it, in the words of an access line."""

    id: str
    status: int | None
    ends: frozenset[str]
    """How it may have ended: one way, but where a client that left cannot know."""
    programs: frozenset[str | None]
    bytes: int | None = None
    """Of the answer's body, where it was read to its end."""
    caller: str | None = None
    runs: frozenset[str] = frozenset()
    """How each of its runs ended, or may have."""
    asked: int = 0
    """Its runs, where a program was asked."""
    spoke: bool | None = False
    """Whether a client could see any of the answer's events; None where it cannot know."""
    tokens: tuple[int, int] = (0, 0)


Ask = Callable[["Clients"], Coroutine[Any, Any, None]]


class Clients:
    """Asks one server, by many connections at once."""

    def __init__(self, server: ServerProcess, name: str) -> None:
        self._name = name
        self.seen: list[Seen] = []
        self._root = server.base_url.removesuffix("/v1")
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
        self._client = httpx.AsyncClient(base_url=self._root, timeout=30, limits=limits)
        self._narrow = asyncio.Lock()
        self._random = random.Random(4)
        self._count = 0

    async def ask_all(self, asks: Sequence[Ask], at_once: int = 40) -> None:
        """Ask, and wait for all ends."""
        waiting = iter(asks)

        async def worker() -> None:
            for ask in waiting:
                await ask(self)

        async with self._client, asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(worker())

    # What a client asks that stays.

    async def chat(
        self,
        prompt: str,
        end: str,
        *runs: str,
        program: str = "wide",
        chosen: bool = True,
        spoke: bool = True,
        tokens: int = 0,
        **more: Any,
    ) -> None:
        """Ask a program, and expect an end; `runs` is how each run may end, `chosen` whether it came so far."""
        headers, caller = self._headers(more.pop("headers", {}))
        body = {"model": program, "messages": [{"role": "user", "content": prompt}]} | more
        path = more.pop("path", "/v1/chat/completions")
        if path == "/v1/completions":
            body = {"model": program, "prompt": prompt} | more
        reply = await self._client.post(path, json=body, headers=headers)
        seen = told(reply, "failed" if runs else "refused")
        assert seen == end, (prompt, more, seen, reply.text)
        count = more.get("n", 1) if runs else 0
        self._saw(
            reply, end, program if chosen else None, caller, runs=frozenset(runs), asked=count,
            spoke=spoke and bool(runs), tokens=(3 * tokens * count, 5 * tokens * count),
        )  # fmt: skip

    async def plain(self, method: str, path: str, end: str, status: int, keyed: bool = True, **more: Any) -> None:
        """Ask for what no program answers."""
        headers, caller = self._headers(more.pop("headers", {}), keyed=keyed)
        reply = await self._client.request(method, path, headers=headers, **more)
        assert reply.status_code == status, (method, path, reply.text)
        assert method == "HEAD" or told(reply, "refused") == end, (method, path, reply.text)
        self._saw(reply, end, None, caller)

    def _saw(self, reply: httpx.Response, end: str, program: str | None, caller: str | None, **more: Any) -> None:
        name, size = reply.headers["x-request-id"], len(reply.content)
        self.seen.append(
            Seen(name, reply.status_code, frozenset({end}), frozenset({program}), size, caller, **more)
        )  # fmt: skip

    # What a client asks that leaves, or that is no whole request.

    async def leave(self, prompt: str, when: str, *runs: str, tokens: int = 0, **more: Any) -> None:
        """Hang up: `at once`, at `any` moment, at the first `byte` of a stream or its first `word`."""
        headers, caller = self._headers(more.pop("headers", {}))
        async with self._sent(prompt, headers, stream=when != "at once", **more) as reader:
            if when in _SIGNS:
                await until_said(reader, _SIGNS[when])
            else:
                await asyncio.sleep(self._random.random() * 0.06)
        self._left(
            headers, caller, None if when == "at once" else 200, LEFT | STOPPED if when == "any" else LEFT,
            programs=frozenset({"wide"} if when in _SIGNS else {"wide", None}), runs=frozenset(runs), asked=1,
            spoke=None if when == "any" else when == "word", tokens=(3 * tokens, 5 * tokens),
        )  # fmt: skip

    async def leave_early(self, *, is_told: bool) -> None:
        """Hang up in the middle of the body; or stop there, and be told."""
        headers, caller = self._headers({})
        async with self._sent("x", headers, cut=5) as reader:
            assert not is_told or (await reader.read()).startswith(b"HTTP/1.1 408 ")
        status, ends = (408, frozenset({"refused:request_timeout"})) if is_told else (None, LEFT)
        self._left(headers, caller, status, ends)

    async def no_http(self, raw: bytes, status: int, code: str) -> None:
        """Say what is no whole request."""
        async with self._connected() as (reader, writer):
            writer.write(raw)
            answer = await reader.read()
        name = re.search(rb"x-request-id: (\w+)", answer)
        assert name is not None
        assert answer.startswith(f"HTTP/1.1 {status} ".encode())
        assert f'"code":"{code}"'.encode() in answer
        self._left({"x-request-id": name[1].decode()}, None, status, frozenset({f"refused:{code}"}))

    async def queue(self, how: str, *, stream: bool) -> None:
        """Fill the program that takes one at a time, and let one more wait for it, who leaves or waits too long."""
        holding, holder = self._headers({})
        waiting, waiter = self._headers({"x-mserve-grace-period": "0"})
        of_both: dict[str, Any] = {"programs": frozenset({"narrow"}), "asked": 1}
        async with self._narrow, self._sent("begin", holding, program="narrow", stream=True) as first:
            await until_said(first, _SIGNS["word"])
            async with self._sent("x", waiting, program="narrow", stream=stream) as second:
                await self._until_queued(1)
                await self.chat("x", "refused:overloaded", program="narrow")
                if how == "expire":
                    answer = await second.read()
                    assert answer.startswith(b"HTTP/1.1 200 " if stream else b"HTTP/1.1 503 ")
                    assert b'"code":"overloaded"' in answer
            await self._until_queued(0)
        self._left(holding, holder, 200, LEFT, runs=CANCELLED, spoke=True, **of_both)
        status = 200 if stream else 503 if how == "expire" else None
        ends, runs = (frozenset({"failed:overloaded"}), FAILED) if how == "expire" else (LEFT, CANCELLED)
        self._left(waiting, waiter, status, ends, runs=runs, **of_both)

    def _left(
        self, headers: dict[str, str], caller: str | None, status: int | None, ends: frozenset[str], **more: Any
    ) -> None:
        seen = Seen(headers["x-request-id"], status, ends, frozenset({None}), None, caller)
        self.seen.append(seen._replace(**more))

    async def _until_queued(self, count: int) -> None:
        for _ in range(500):
            headers, caller = self._headers({})
            reply = await self._client.get("/metrics", headers=headers)
            self._saw(reply, "finished", None, caller)
            if f"mserve_runs_queued {float(count)}\n" in reply.text:
                return
        raise AssertionError(f"there never were {count} runs that wait")

    def _headers(self, more: dict[str, str], *, keyed: bool = True) -> tuple[dict[str, str], str | None]:
        """Give the headers of one request, with an id of its own, and whose key is among them."""
        self._count += 1
        caller = self._random.choice([*KEYS]) if keyed else None
        key = {} if caller is None else {"x-api-key": KEYS[caller]}
        return {"x-request-id": f"{self._name}-{self._count}"} | key | more, caller

    @contextlib.asynccontextmanager
    async def _sent(
        self, prompt: str, headers: dict[str, str], *, program: str = "wide", stream: bool = False, cut: int = 0
    ) -> AsyncIterator[asyncio.StreamReader]:
        """Send a request, all of it or all but its end, over a connection that is closed afterwards."""
        body = json.dumps({"model": program, "stream": stream, "messages": [{"role": "user", "content": prompt}]})
        lines = [f"{name}: {value}" for name, value in headers.items()]
        whole = posting(body.encode(), f"Content-Length: {len(body)}", "Connection: close", *lines)
        async with self._connected() as (reader, writer):
            writer.write(whole[: len(whole) - cut])
            yield reader

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        url = httpx.URL(self._root)
        reader, writer = await asyncio.open_connection(url.host, url.port)
        try:
            yield reader, writer
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def until_said(reader: asyncio.StreamReader, sign: bytes) -> None:
    """Read a stream's beginning."""
    text = b""
    while sign not in text:
        text += (piece := await reader.read(65536))
        assert piece, f"no {sign!r} in {text!r}"


def told(reply: httpx.Response, otherwise: str) -> str:
    """Say in the words of an access line how an answer ended; where it is an error, what that was by its plan."""
    if reply.status_code >= 400:
        return f"{otherwise}:{reply.json()['error']['code'] or reply.status_code}"
    if reply.headers.get("content-type", "").startswith("text/event-stream"):
        *frames, done = re.findall(r"^data: (.*)$", reply.text, re.MULTILINE)
        assert done == "[DONE]"
        chunks = [json.loads(frame) for frame in frames]
        if "error" in chunks[-1]:
            return f"{otherwise}:{chunks[-1]['error']['code']}"
    else:
        whole = reply.json() if reply.request.method == "POST" and reply.content else {}
        chunks = [whole] if "choices" in whole else []
    reasons = [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"]]
    return ":".join(["finished", *dict.fromkeys(filter(None, reasons))])
