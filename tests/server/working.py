"""A real `mserve run --workers` in processes of its own."""

import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx

from processes import ServerProcess
from server.developing import LIMIT, DevProcess, ask, supervising
from web.outcomes import metrics_of

PROGRAM = """
import asyncio
import os
import time

async def serve(prompt):
    for number in range(12 if prompt == "stream" else 1):
        yield f"{word}{{os.getpid()}} "
        await asyncio.sleep(0.1 if prompt == "stream" else 0)
    if prompt == "hang":
        await asyncio.sleep(60)
    if prompt == "block":
        time.sleep(60)
"""


class WorkersProcess(DevProcess):
    start = ("-m", "mserve", "run")


def working(file: Path, *arguments: str, is_ready: bool = True) -> AbstractContextManager[WorkersProcess]:
    """Two workers, unless it is said otherwise."""
    return supervising(WorkersProcess, str(file), "--workers", "2", *arguments, is_ready=is_ready)


def write(file: Path, word: str = "") -> Path:
    file.write_text(PROGRAM.format(word=word))
    return file


def pids(server: ServerProcess, times: int) -> list[int]:
    """Who answers, each time on a connection of its own."""
    found = []
    for _ in range(times):
        with httpx.Client(verify=False) as client:  # reads no certificates, which takes longer than the rest
            found.append(int(ask(server, "pid", client)))
    return found


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def counted(server: ServerProcess, outcome: str = "finished") -> float:
    """How many requests for the program have ended so, as any worker tells it."""
    found = re.findall(rf'mserve_requests_total{{outcome="{outcome}",program="hello",.*}} (\S+)', metrics_of(server))
    return sum(map(float, found))


def stream(server: ServerProcess, prompt: str = "stream") -> str:
    """All that a stream says, though its end may be missing."""
    body = {"stream": True, "messages": [{"role": "user", "content": prompt}]}
    heard = ""
    try:
        with httpx.stream("POST", f"{server.base_url}/chat/completions", json=body, timeout=LIMIT) as reply:
            for piece in reply.iter_text():
                heard += piece
    except httpx.TransportError:
        heard += "broken"
    return heard
