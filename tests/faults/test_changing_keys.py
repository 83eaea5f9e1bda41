"""Keys that change while everybody asks: the new one works and the old one ends within a second, and nothing breaks."""

import contextlib
import hashlib
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import httpx

from mserve.web.keys import line_of
from processes import Serve, ServerProcess

OLD, NEW = "the-key-of-old-77c", "the-key-of-new-d20"
PROGRAM = """
import asyncio

async def serve():
    for _ in range(120):
        yield "word "
        await asyncio.sleep(0.05)
"""
SOON = 1.5
"""Seconds: the file is looked at once in each, and this machine may be busy."""
Statuses = list[tuple[float, int]]
"""What was told, and when."""


def test_keys_change_under_load_and_streams_go_on(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(line_of("old", OLD))
    server = serve(PROGRAM, flags=("--api-key-file", str(file)))
    with asking(server, OLD) as olds, asking(server, NEW) as news, stream(server, OLD) as lines:
        assert '"word "' in next(lines)
        assert statuses_now(olds, news) == (200, 401)
        replace(file, f"{line_of('old', OLD)}\n{line_of('new', NEW)}")
        assert until(news, 200) < SOON
        assert statuses_now(olds, news) == (200, 200)
        replace(file, f"{line_of('old', OLD)}\nno line of a key\n")
        time.sleep(1.2)
        file.unlink()
        time.sleep(1.2)
        assert statuses_now(olds, news) == (200, 200)
        assert 401 not in [status for _, status in olds]
        replace(file, line_of("new", NEW))
        assert until(olds, 401) < SOON
        assert statuses_now(olds, news) == (401, 200)
        *_, last = lines
        assert last == "data: [DONE]"
    assert_once(olds)
    assert_once(news)
    assert server.output.count("still count") == 2
    for key in (OLD, NEW):
        assert key not in server.output
        assert hashlib.sha256(key.encode()).hexdigest() not in server.output


@contextlib.contextmanager
def asking(server: ServerProcess, key: str) -> Iterator[Statuses]:
    """Ask all the time with a key, and give what is told, and when."""
    seen: Statuses = []
    done = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=server.base_url, headers={"x-api-key": key}, timeout=10) as client:
            while not done.wait(0.01):
                seen.append((time.monotonic(), client.get("/models").status_code))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


@contextlib.contextmanager
def stream(server: ServerProcess, key: str) -> Iterator[Iterator[str]]:
    body = {"stream": True, "messages": [{"role": "user", "content": "long"}]}
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.stream("POST", f"{server.base_url}/chat/completions", json=body, headers=headers, timeout=30) as reply:
        lines = (line for line in reply.iter_lines() if line.startswith("data: "))
        yield (line for line in lines if '"role"' not in line)


def statuses_now(*askers: Statuses) -> tuple[int, ...]:
    """What each is told from now on: the last of some further answers."""
    counts = [len(seen) + 3 for seen in askers]
    while not all(len(seen) >= count for seen, count in zip(askers, counts, strict=True)):
        time.sleep(0.01)
    return tuple(seen[-1][1] for seen in askers)


def until(seen: Statuses, status: int) -> float:
    """Wait until a status is told, and give how long that took."""
    started = time.monotonic()
    while seen[-1][1] != status:
        assert time.monotonic() < started + 5
        time.sleep(0.01)
    return seen[-1][0] - started


def assert_once(seen: Statuses) -> None:
    """A key begins to count, or ends to, once: nobody is let in and out again."""
    statuses = [status for _, status in seen]
    assert sum(one != other for one, other in pairwise(statuses)) == 1


def replace(file: Path, text: str) -> None:
    """Put a changed file in its place, in one step."""
    changed = file.with_name("changed")
    changed.write_text(text)
    changed.rename(file)
