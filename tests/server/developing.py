"""A real `mserve dev` in a process of its own, whose programs a test edits."""

import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeVar

import httpx

from processes import ServerProcess

LIMIT = 15.0
PROGRAM = """
import asyncio
import contextlib

@contextlib.asynccontextmanager
async def lifespan():
    yield
    print("left {word}", flush=True)

async def serve(prompt):
    if prompt == "stream":
        for number in range(6):
            yield "{word} "
            await asyncio.sleep(0.5)
    elif prompt == "hang":
        yield "{word}"
        print("open", flush=True)
        await asyncio.sleep(60)
    else:
        yield "{word}"
"""
SERVING = r"Serving \S+ at"


def program(word: str) -> str:
    return PROGRAM.format(word=word)


class DevProcess(ServerProcess):
    start = ("-m", "mserve", "dev")

    def children(self) -> list[int]:
        """The processes that serve, or are about to."""
        found = subprocess.run(["pgrep", "-P", str(self.pid)], capture_output=True, text=True, check=False)
        return [int(line) for line in found.stdout.split()]

    def wait_for_times(self, pattern: str, times: int) -> None:
        """Wait until something was printed so many times."""
        until = time.monotonic() + LIMIT
        while len(re.findall(pattern, self.output)) < times:
            assert time.monotonic() < until, self.output
            time.sleep(0.02)

    def wait_for_children(self, count: int) -> None:
        until = time.monotonic() + LIMIT
        while len(self.children()) != count:
            assert time.monotonic() < until, self.children()
            time.sleep(0.05)


P = TypeVar("P", bound=DevProcess)


def developing(
    *arguments: str, is_ready: bool = True, env: Mapping[str, str] | None = None
) -> AbstractContextManager[DevProcess]:
    return supervising(DevProcess, *arguments, is_ready=is_ready, env=env)


@contextmanager
def supervising(kind: type[P], *arguments: str, is_ready: bool, env: Mapping[str, str] | None = None) -> Iterator[P]:
    """A supervisor of some kind, which ends with its test."""
    server = kind(*arguments, env={"PYTHONDONTWRITEBYTECODE": ""} | dict(env or {}))
    try:
        if is_ready:
            server.wait_until_ready()
        yield server
    finally:
        server.stop()


def edit(file: Path, text: str) -> None:
    """Write a file as editors do: beside it, and then in its place. All edits are of one second: compiled code that is
    old looks current where its source is as long."""
    beside = file.with_name(f".{file.name}.new")
    beside.write_text(text)
    os.utime(beside, (1e9, 1e9))
    beside.replace(file)


def ask(server: ServerProcess, prompt: str = "hi", client: httpx.Client | None = None) -> str:
    """What a program answers; an error where it does not."""
    body = {"messages": [{"role": "user", "content": prompt}]}
    reply = (client or httpx).post(f"{server.base_url}/chat/completions", json=body, timeout=LIMIT)
    assert reply.status_code == 200, reply.text
    text: str = reply.json()["choices"][0]["message"]["content"]
    return text


def text_of(stream: str) -> str:
    """What a stream said that is whole."""
    assert stream.endswith("data: [DONE]\n\n"), stream
    assert '"finish_reason":"stop"' in stream
    return "".join(re.findall(r'"delta":{"content":"([^"]*)"}', stream))


def open_hanging(server: ServerProcess) -> str:
    """All that a stream says whose program does not end."""
    body = {"stream": True, "messages": [{"role": "user", "content": "hang"}]}
    return httpx.post(f"{server.base_url}/chat/completions", json=body, timeout=60).text
