"""A server that all tests of HTTP share: one program that does as its prompt says."""

from collections.abc import Iterator

import httpx
import pytest

from processes import ServerProcess

PROGRAM = """
import asyncio
import time

from mserve import ClientError, ReasoningDelta, TextDelta, Usage


async def serve(prompt, request):
    mode, _, rest = prompt.partition(" ")
    if mode == "fail":
        raise RuntimeError("a secret of the operator")
    if mode == "fail-after-usage":
        yield Usage(3, 4)
        await asyncio.sleep(0.05)
        raise RuntimeError("a secret of the operator")
    if mode == "half":
        raise ClientError("half \\ud83d", code=7, param="a\\udc00")
    if mode == "refuse":
        raise ClientError("too much of it", status=429, code="too_much", param="messages")
    if mode == "fail-late":
        yield "a"
        await asyncio.sleep(0.05)
        raise RuntimeError("a secret of the operator")
    if mode == "fail-after-grace":
        await asyncio.sleep(0.6)
        raise RuntimeError("a secret of the operator")
    if mode == "wrong":
        yield 7
    if mode == "tuple":
        yield ("a", 1)
    if mode == "slow":
        for number in range(5):
            yield f"{number} "
            await asyncio.sleep(0.1)
    if mode == "late":
        await asyncio.sleep(1.1)
        yield "late"
    if mode == "hang":
        await asyncio.sleep(60)
    if mode == "usage":
        yield Usage(3, 4)
        await asyncio.sleep(0.05)
        yield "a"
        await asyncio.sleep(0.05)
        yield Usage(1, 1)
        await asyncio.sleep(0.05)
    if mode == "counts":
        for _ in range(25):
            await asyncio.sleep(0.05)
            yield Usage(1, 1)
    if mode == "echo":
        yield rest
    if mode == "fields":
        yield repr(sorted(request.fields)) + repr(request.extra)
"""


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    file = tmp_path_factory.mktemp("web") / "modes.py"
    file.write_text(PROGRAM)
    flags = ("--max-body", "100000", "--grace-period", "0.3", "--ping-interval", "0.2")
    process = ServerProcess(str(file), *flags)
    process.wait_until_ready()
    yield process
    process.stop()


@pytest.fixture(scope="package")
def client(server: ServerProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.base_url, timeout=10) as client:
        yield client
