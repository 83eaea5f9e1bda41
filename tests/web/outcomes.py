"""Requests of every outcome, over real sockets, to one program that does as its prompt says."""

import contextlib
import json
import re
import socket
from typing import Any

import httpx

from processes import ServerProcess

PROGRAM = """
import asyncio

from mserve import ClientError, ToolCallStart, Usage


async def serve(prompt, headers):
    mode = prompt.partition(" ")[0]
    if mode == "fail":
        raise RuntimeError("a secret of the operator")
    if mode == "refuse":
        raise ClientError("too much", status=429, code="too_much")
    if mode == "call":
        yield ToolCallStart("call_1", "look")
    if mode in ("usage", "fail-late"):
        for number in range(5):
            yield f"{number} "
            await asyncio.sleep(0.05)
        yield Usage(3, 5)
    if mode == "fail-late":
        raise RuntimeError("a secret of the operator")
    if mode == "pieces":
        for number in range(5):
            yield f"{number} "
            await asyncio.sleep(0.05)
    if mode == "begin":
        yield "a"
        await asyncio.sleep(60)
    if mode == "hang":
        await asyncio.sleep(60)
    yield "said " + headers["x-request-id"]
"""


def body_of(prompt: str, **more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": prompt}]} | more


def leave(
    server: ServerProcess, prompt: str, name: str, *, stream: bool, policy: str = "cancel", model: str = "m"
) -> None:
    """Ask, wait for an answer's beginning where there will be one, and hang up."""
    with connected(server) as client:
        client.sendall(raw(json.dumps(body_of(prompt, stream=stream, model=model)).encode(), name, policy))
        if stream:
            assert client.recv(65536).startswith(b"HTTP/1.1 200")
        else:
            wait_for_runs(server, 1)


def leave_early(server: ServerProcess, name: str) -> None:
    """Hang up in the middle of a request's body."""
    with connected(server) as client:
        whole = raw(json.dumps(body_of("x")).encode(), name)
        client.sendall(whole[:-5])


def raw(body: bytes, name: str, policy: str = "cancel") -> bytes:
    headers = {
        "Host": "localhost",
        "Content-Type": "application/json",
        "Content-Length": len(body),
        "X-Request-Id": name,
        "X-Mserve-On-Disconnect": policy,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /v1/chat/completions HTTP/1.1\r\n{lines}\r\n".encode() + body


def connected(server: ServerProcess) -> contextlib.closing[socket.socket]:
    host, port = server.base_url.split("/")[2].split(":")
    return contextlib.closing(socket.create_connection((host, int(port)), 10))


def wait_for_runs(server: ServerProcess, count: int) -> None:
    """Wait until so many runs are active."""
    for _ in range(500):
        if f"mserve_runs_active {float(count)}\n" in metrics_of(server):
            return
    raise AssertionError(f"there never were {count} runs:\n{metrics_of(server)}")


def metrics_of(server: ServerProcess) -> str:
    return httpx.get(server.base_url.removesuffix("/v1") + "/metrics", verify=False).text


def line_of(server: ServerProcess, name: str) -> dict[str, Any]:
    """Give the access line of a request by its id, from a log of JSON objects."""
    found = server.wait_for(rf'(?m)^\{{.*"mserve\.access".*"request_id": "{re.escape(name)}"\}}$')
    fields: dict[str, Any] = json.loads(found[0])
    return fields
