"""Programs and servers that end, or begin, slowly."""

import socket
from pathlib import Path

import httpx

from processes import ServerProcess

PROGRAM = """
import asyncio
import contextlib
import time

@contextlib.asynccontextmanager
async def lifespan():
    yield
    print("left", flush=True)

async def serve(prompt):
    kind, _, word = prompt.partition(" ")
    if kind == "stream":
        yield "first "
        print("open", flush=True)
        await asyncio.sleep(float(word))
        yield "last"
    elif kind == "hold":
        yield "first "
        await asyncio.sleep(0.1)
        print("open", flush=True)
        time.sleep(float(word))
    else:
        yield prompt
"""
SLOW_START = """
import asyncio
import contextlib

@contextlib.asynccontextmanager
async def lifespan():
    print("opening", flush=True)
    await asyncio.sleep({seconds})
    {then}
    yield

def serve(prompt):
    return prompt
"""
LIMIT = 10.0


def root_of(server: ServerProcess) -> str:
    return server.base_url.removesuffix("/v1")


def ready(server: ServerProcess) -> tuple[int, str | None]:
    reply = httpx.get(f"{root_of(server)}/health/ready")
    return reply.status_code, reply.headers.get("connection")


def started_slowly(tmp_path: Path, port: int, seconds: float, then: str = "pass") -> ServerProcess:
    (file := tmp_path / "slow.py").write_text(SLOW_START.format(seconds=seconds, then=then))
    server = ServerProcess(str(file), "--port", str(port))
    server.base_url = f"http://127.0.0.1:{port}/v1"
    server.wait_for("opening", LIMIT)
    return server


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
