"""A program that tells when it said what, and a client that tells when it heard it: one clock for both."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

PROGRAM = """
import asyncio
import json
import os
import time
from pathlib import Path

def note(word):
    with Path(os.environ["NOTES"]).open("a") as notes:
        notes.write(word + "\\n")

async def serve(prompt, headers, caller):
    what, number, *_ = [*prompt.split(" "), "0"]
    if what == "tasks":
        yield str(len(asyncio.all_tasks()))
    elif what == "who":
        yield json.dumps({"id": headers["x-request-id"], "caller": caller})
    elif what == "long":
        yield str(len(prompt))
    else:
        note(f"id {headers['x-request-id']}")
        note(f"begun {prompt}")
        try:
            if what == "silent":
                await asyncio.sleep(float(number))
                yield "at last"
            for _ in range(int(number) if what == "count" else 0):
                yield f"{time.monotonic()} "
                await asyncio.sleep(0.1)
        finally:
            note(f"ended {prompt}")
"""


class Notes:
    """What the program wrote down."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.env = {"NOTES": str(file)}

    def all(self) -> list[str]:
        return self.file.read_text().splitlines() if self.file.exists() else []

    def wait_for(self, word: str, limit: float = 5.0) -> float:
        """Wait until something is noted; give how long that took."""
        started = time.monotonic()
        while word not in self.all():
            assert time.monotonic() - started < limit, f"{word!r} was not noted: {self.all()}"
            time.sleep(0.01)
        return time.monotonic() - started


class Word(NamedTuple):
    """One token: when it was said and when it was heard."""

    said: float
    heard: float

    @property
    def delay(self) -> float:
        return self.heard - self.said


def body(prompt: str, *, stream: bool = True) -> dict[str, object]:
    return {"stream": stream, "messages": [{"role": "user", "content": prompt}]}


@contextmanager
def streaming(url: str, prompt: str, **headers: str) -> Iterator[httpx.Response]:
    """Open a stream."""
    with (
        httpx.Client(timeout=30) as client,
        client.stream("POST", f"{url}/v1/chat/completions", json=body(prompt), headers=headers) as reply,
    ):
        yield reply


def words(url: str, count: int) -> list[Word]:
    """Let the program count, and tell when each of its words was heard."""
    found: list[Word] = []
    with streaming(url, f"count {count}") as reply:
        assert reply.status_code == 200
        assert reply.headers["content-type"].startswith("text/event-stream")
        for line in reply.iter_lines():
            heard = time.monotonic()
            if line.startswith("data: {"):
                text = json.loads(line[6:])["choices"][0]["delta"].get("content")
                found += [Word(float(text), heard)] if text else []
    assert len(found) == count
    return found


def ask(url: str, prompt: str, **headers: str) -> httpx.Response:
    """Ask for a whole reply."""
    return httpx.post(f"{url}/v1/chat/completions", json=body(prompt, stream=False), headers=headers, timeout=30)


def text_of(reply: httpx.Response) -> str:
    assert reply.status_code == 200, reply.text
    text: str = reply.json()["choices"][0]["message"]["content"]
    return text
