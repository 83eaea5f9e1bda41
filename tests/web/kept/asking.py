"""Requests that are kept, and servers of a program that does as its prompt says and notes what becomes of its runs."""

import json
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx

from processes import ServerProcess

T = TypeVar("T")

LIMIT = 20.0
"""Seconds until a test gives up waiting, on a machine that is busy with other things."""

PROGRAM = """
import asyncio
import json
import os
import resource
from pathlib import Path

from mserve import ClientError, Finish, ReasoningDelta, RefusalDelta, ToolCallDelta, ToolCallStart, Usage

NOTES = Path(os.environ["NOTES"])


def note(what, prompt):
    with (NOTES / what).open("a") as file:
        file.write(f"{prompt}\\n")


async def gate(name):
    while not (NOTES / name).exists():
        await asyncio.sleep(0.005)


async def serve(prompt, messages, request):
    note("begun", prompt)
    try:
        async for said in answer(prompt, messages, request):
            yield said
    except GeneratorExit:
        note("cancelled", prompt)
        raise
    except asyncio.CancelledError:
        note("cancelled", prompt)
        raise
    note("ended", prompt)


async def answer(prompt, messages, request):
    mode, _, rest = prompt.partition(" ")
    match mode:
        case "gate":
            yield "before "
            await gate(rest)
            yield "after"
        case "wait":
            await gate(rest)
            yield "after"
        case "steps":
            for number in range(int(rest.split()[0])):
                yield f"{number} "
                await asyncio.sleep(0.01)
        case "many":
            for number in range(int(rest.split()[0])):
                yield f"{number} "
                if number % 100 == 0:
                    await asyncio.sleep(0)
        case "all":
            yield ReasoningDelta("let me ")
            yield ReasoningDelta("think")
            yield "It is "
            await asyncio.sleep(0.06)
            yield "\\u2028 sunny."
            yield ToolCallStart("call_1", "look")
            yield ToolCallDelta("call_1", '{"at": ')
            await asyncio.sleep(0.06)
            yield ToolCallDelta("call_1", '"sea"}')
            yield Usage(3, 4)
        case "call":
            yield ReasoningDelta("where?")
            yield ToolCallStart("call_7", "look")
            yield ToolCallDelta("call_7", '{"at": "sea"}')
        case "cut":
            yield "half"
            yield Finish("length")
        case "big":
            yield "x" * int(rest)
        case "memory":
            yield str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        case "disk":  # files may grow to so many bytes from now on, as on a disk that is full
            _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(rest), most))
            yield "done"
        case "messages":
            yield json.dumps(messages)
        case "fail":
            raise RuntimeError("a secret of the operator")
        case "refuse":
            raise ClientError("too much of it", status=429, code="too_much")
        case "fail-late":
            yield "a"
            await asyncio.sleep(0.05)
            raise RuntimeError("a secret of the operator")
        case "numbered":
            note("numbers", prompt)
            count = (NOTES / "numbers").read_text().split("\\n").count(prompt)
            yield f"number {count}"
        case _:
            yield rest
"""


class Notes:
    """What programs have noted in a folder, and the gates that they wait at."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self, name: str) -> None:
        """Let the runs go on that wait for it."""
        (self.folder / name).touch()

    def noted(self, what: str, prompt: str) -> int:
        """Count how often a run of this prompt has begun, ended or been cancelled."""
        file = self.folder / what
        return file.read_text().split("\n").count(prompt) if file.exists() else 0

    def wait_for(self, what: str, prompt: str) -> None:
        until(lambda: self.noted(what, prompt))


class Server(ServerProcess):
    """A server of the program, with its store and its notes in a folder."""

    def __init__(self, folder: Path, *flags: str, store: str = "") -> None:
        program = folder / "program.py"
        if not program.exists():
            program.write_text(PROGRAM)
        url = store or f"sqlite:///{folder}/runs.db"
        super().__init__(str(program), *flags, env={"MSERVE_STORE": url, "NOTES": str(folder)})
        self.wait_until_ready()
        self.client = httpx.Client(base_url=self.base_url, timeout=LIMIT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.stop()


def until(condition: Callable[[], T | None]) -> T:
    """Wait until something is so, and give it."""
    limit = time.monotonic() + LIMIT
    while not (found := condition()):
        assert time.monotonic() < limit, "it never was so"
        time.sleep(0.01)
    return found


def asked(prompt: Any, **more: Any) -> dict[str, Any]:
    """Give the body of a request for a response."""
    return {"model": "m", "input": prompt} | more


def chat(prompt: str, **more: Any) -> dict[str, Any]:
    """Give the body of a request for a chat completion."""
    return {"model": "m", "messages": [{"role": "user", "content": prompt}]} | more


def told(response: httpx.Response, status: int = 200) -> dict[str, Any]:
    """Give the body of an answer, which has a status."""
    assert response.status_code == status, response.text
    body: dict[str, Any] = response.json()
    return body


def refused(response: httpx.Response, status: int, param: str | None = None) -> str:
    """Give the code of an error, which has all four keys, and names a parameter."""
    error = told(response, status)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["param"] == param
    return str(error["code"])


def make(client: httpx.Client, prompt: Any, **more: Any) -> dict[str, Any]:
    """Have a response made."""
    return told(client.post("/responses", json=asked(prompt, **more)))


def in_background(client: httpx.Client, prompt: str, **more: Any) -> str:
    """Start something, and give its id."""
    body = make(client, prompt, background=True, **more)
    assert (body["status"], body["background"]) == ("queued", True)
    return str(body["id"])


def ended(client: httpx.Client, name: str) -> dict[str, Any]:
    """Wait for the end of a response, as clients do."""

    def look() -> dict[str, Any] | None:
        body = told(client.get(f"/responses/{name}"))
        return None if body["status"] in ("queued", "in_progress") else body

    return until(look)


def text_of(body: dict[str, Any]) -> str:
    """Give the text of a response."""
    parts = [part for item in body["output"] if item["type"] == "message" for part in item["content"]]
    return "".join(part["text"] for part in parts)


def frames_of(stream: str) -> list[str]:
    """Give the frames of a stream, without comments."""
    assert stream.endswith("\n\n")
    return [frame for frame in stream.removesuffix("\n\n").split("\n\n") if not frame.startswith(":")]


def data_of(frame: str) -> dict[str, Any]:
    """Give what an event tells."""
    event, number, data = frame.split("\n")
    told: dict[str, Any] = json.loads(data.removeprefix("data: "))
    assert (event, number) == (f"event: {told['type']}", f"id: {told['sequence_number']}")
    return told


def error_of(frame: str) -> tuple[str, int]:
    """Give what the last frame of a stream tells that was broken off, and the number to go on from."""
    event, data = frame.split("\n")
    told = json.loads(data.removeprefix("data: "))
    assert (event, set(told)) == ("event: error", {"type", "code", "message", "param", "sequence_number"})
    return told["code"], told["sequence_number"]


def rows(folder: Path, query: str, *values: Any) -> list[Any]:
    """Ask a store's file itself."""
    with closing(sqlite3.connect(folder / "runs.db", timeout=20, isolation_level=None)) as database:
        database.execute("PRAGMA foreign_keys=ON")
        return database.execute(query, values).fetchall()


def streamed(client: httpx.Client, prompt: str, **more: Any) -> list[str]:
    """Have a response streamed, and give its frames."""
    return frames_of(client.post("/responses", json=asked(prompt, stream=True, **more)).text)


def followed(client: httpx.Client, name: str, after: int | None = None, last_id: str = "") -> list[str]:
    """Give the frames of a response's stream behind an event."""
    query = {"stream": "true"} | ({} if after is None else {"starting_after": str(after)})
    response = client.get(f"/responses/{name}", params=query, headers={"Last-Event-ID": last_id} if last_id else None)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    return frames_of(response.text)


@contextmanager
def streaming(client: httpx.Client, method: str, path: str, **more: Any) -> Iterator[Iterator[str]]:
    """Read a stream piece by piece; who leaves the context leaves the stream."""
    with client.stream(method, path, **more) as response:
        assert response.status_code == 200
        yield response.iter_text()


def read_until(pieces: Iterator[str], mark: str) -> str:
    """Read a stream up to something."""
    text = ""
    for piece in pieces:
        text += piece
        if mark in text:
            return text
    raise AssertionError(f"{mark!r} never came:\n{text}")


def hang_up(
    client: httpx.Client, path: str, body: dict[str, Any], *, after: Callable[[], object], **headers: str
) -> None:
    """Ask, wait for something, and leave without an answer."""
    url = client.base_url
    content = client.build_request("POST", path, json=body).content
    sent = {"Host": "localhost", "Content-Type": "application/json", "Content-Length": str(len(content))} | headers
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in sent.items())
    with socket.create_connection((url.host, url.port or 80), LIMIT) as connection:
        connection.sendall(f"POST {url.path}{path.removeprefix('/')} HTTP/1.1\r\n{head}\r\n".encode() + content)
        after()
