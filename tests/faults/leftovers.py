"""What a server holds: each fault's test sees all of it return to where it was."""

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import httpx

from processes import ServerProcess

TASKS = """
import asyncio

async def serve(prompt):
    return str(len(asyncio.all_tasks()))
"""
"""A program that counts the tasks of its server, for one that serves several: name it `tasks`. Where there is only one
program, that one answers the prompt `tasks` this way itself."""


class Held(NamedTuple):
    """What a server holds at one moment, the asking itself among it, in the same way each time."""

    threads: int
    files: int
    tasks: int
    active: int
    queued: int
    memory: int
    """Bytes that are resident."""

    def beyond(self, before: "Held", memory: int) -> dict[str, int]:
        """Give what is more than before, and by how much; memory by more than it may be."""
        more = {name: now - then for name, now, then in zip(self._fields, self, before, strict=True)}
        more["memory"] -= memory
        return {name: count for name, count in more.items() if count > 0}


def held(server: ServerProcess, headers: Mapping[str, str] | None = None) -> Held:
    """Look at a server, with the headers that it wants of a client."""
    body = {"model": "tasks", "messages": [{"role": "user", "content": "tasks"}]}
    with httpx.Client(base_url=server.base_url.removesuffix("/v1"), headers=headers, timeout=10) as client:
        metrics = client.get("/metrics").raise_for_status().text
        tasks = client.post("/v1/chat/completions", json=body).raise_for_status().json()
    return Held(
        threads=_status(server.pid, "Threads"),
        files=len([*Path(f"/proc/{server.pid}/fd").iterdir()]),
        tasks=int(tasks["choices"][0]["message"]["content"]),
        active=_gauge(metrics, "mserve_runs_active"),
        queued=_gauge(metrics, "mserve_runs_queued"),
        memory=memory(server.pid),
    )


def memory(pid: int) -> int:
    """Give the bytes of a process that are resident."""
    return _status(pid, "VmRSS") * 1024


def assert_nothing_is_left(
    server: ServerProcess,
    before: Held,
    *,
    memory: int,
    limit: float = 10.0,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Wait until a server holds no more than before, and at most so many further bytes of memory."""
    until = time.monotonic() + limit
    while left := _left(server, before, memory, headers):
        assert time.monotonic() < until, f"still there after {limit:g} s: {left}\n{server.output[-3000:]}"
        time.sleep(0.1)


def _left(server: ServerProcess, before: Held, memory: int, headers: Mapping[str, str] | None) -> object:
    try:
        return held(server, headers).beyond(before, memory)
    except httpx.HTTPError as error:  # too busy to be asked: so much is left
        return error


def _status(pid: int, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])


def _gauge(metrics: str, name: str) -> int:
    found = re.search(rf"^{name} (\S+)$", metrics, re.MULTILINE)
    assert found is not None
    return int(float(found[1]))
