"""Asks as any client does, and tells what came, and when."""

import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx


def body(prompt: str, model: str = "talker", *, stream: bool = True, **fields: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": prompt}], "stream": stream, **fields}


@dataclass
class Stream:
    """One streamed answer."""

    status: int = 0
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    frames: list[dict[str, Any]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    done: int = 0
    """How many times the end was said."""
    error: dict[str, Any] | None = None
    broken: str = ""

    @property
    def text(self) -> str:
        said = [choice["delta"].get("content") or "" for one in self.frames for choice in one.get("choices", ())]
        return "".join(said)

    @property
    def pid(self) -> int:
        return int(self.text.split()[0])

    def is_whole(self, prompt: str, count: int) -> bool:
        words = self.text.split()
        return words[1:] == [f"{prompt}/{number}" for number in range(count)] and self.done == 1 and not self.error


async def lines(answer: httpx.Response) -> AsyncIterator[str]:
    async for line in answer.aiter_lines():
        if line.startswith("data: "):
            yield line.removeprefix("data: ")


async def ask(client: httpx.AsyncClient, url: str, asked: dict[str, Any], on_first: Any = None) -> Stream:
    """Ask, and read all of the answer; what breaks the connection is told, not raised."""
    stream, began = Stream(), time.monotonic()
    try:
        async with client.stream("POST", f"{url}/chat/completions", json=asked) as answer:
            stream.status, stream.headers = answer.status_code, answer.headers
            if answer.status_code != 200:
                stream.error = json.loads(await answer.aread())["error"]
                return stream
            async for line in lines(answer):
                if line == "[DONE]":
                    stream.done += 1
                    continue
                frame = json.loads(line)
                if "error" in frame:
                    stream.error = frame["error"]
                    continue
                stream.frames.append(frame)
                stream.times.append(time.monotonic() - began)
                if on_first is not None and len(stream.frames) == 1:
                    on_first()
    except httpx.HTTPError as error:
        stream.broken = repr(error)
    return stream


def client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=60, trust_env=False, limits=httpx.Limits(max_connections=None))
