"""A program that blocks the event loop is named, with the line that does it; one that does not is left in peace."""

import asyncio
import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

import httpx
import pytest

from mserve.server.watchdog import Watchdog, blocking
from processes import Serve, ServerProcess

PROGRAM = """
import asyncio
import json
import time


def deep(seconds):
    time.sleep(seconds)  # the line


class Chain:
    def work(self):
        until = time.monotonic() + 0.9
        while time.monotonic() < until:
            json.dumps(list(range(1000)))


async def serve(prompt):
    yield "a"
    if prompt == "sleep":
        deep(0.6)
    if prompt == "work":
        Chain().work()
    if prompt == "short":
        for _ in range(5):
            deep(0.1)
            await asyncio.sleep(0.01)
    if prompt == "wait":
        await asyncio.sleep(0.6)
    if prompt == "thread":
        await asyncio.to_thread(deep, 0.6)
"""
SYNC = "import time\ndef serve(prompt):\n    time.sleep(0.6)\n    return 'a'\n"
BLOCKED = re.compile(
    r"event loop is blocked, and every stream waits, for (\S+) s by now: by (\S+), in (\S+), line (\d+)\."
)


def ask(server: ServerProcess, prompt: str, model: str = "quick") -> None:
    body = {"model": model, "messages": [{"role": "user", "content": prompt}]}
    httpx.post(f"{server.base_url}/chat/completions", json=body, timeout=20, verify=False).raise_for_status()


def test_it_names_what_blocks_once_a_minute_and_nothing_else(serve: Serve) -> None:
    server = serve(PROGRAM, SYNC, flags=("--block-warning", "0.3", "--name", "quick", "--name", "slow"))
    with ThreadPoolExecutor() as clients:
        quiet = [("short", "quick"), ("wait", "quick"), ("thread", "quick"), ("x", "slow")]
        list(clients.map(lambda asked: ask(server, *asked), quiet))
    assert BLOCKED.findall(server.output) == []
    for _ in range(2):
        ask(server, "sleep")
    (found,) = BLOCKED.findall(server.output)
    seconds, function, file, line = found
    assert 0.3 <= float(seconds) <= 0.6
    assert (function, file.rpartition("/")[2]) == ("deep", "program_0_0.py")
    assert "# the line" in PROGRAM.splitlines()[int(line) - 1]


def test_by_default_half_a_second_is_too_long_and_what_works_is_named_by_the_programs_own_code(serve: Serve) -> None:
    server = serve(PROGRAM, flags=("--log-format", "json"))
    ask(server, "work")
    (found,) = BLOCKED.findall(server.output)
    seconds, function, file, line = found
    assert 0.5 <= float(seconds) < 0.9
    assert (function, file.rpartition("/")[2]) == ("Chain.work", "program_0_0.py")
    assert PROGRAM.splitlines()[int(line) - 1].strip().startswith(("while", "json"))


async def test_it_ends_with_its_thread_and_its_timer() -> None:
    lags: list[float] = []
    before = threading.active_count()
    with Watchdog(0.5, lags.append):
        assert threading.active_count() == before + 1
        await asyncio.sleep(0.35)
    assert threading.active_count() == before
    count = len(lags)
    assert 2 <= count <= 3
    assert all(0 <= lag < 0.1 for lag in lags)
    await asyncio.sleep(0.2)
    assert len(lags) == count


def seen_after(seconds: float, watched: int) -> FrameType | None:
    time.sleep(seconds)
    return blocking(sys._current_frames()[watched])


async def test_a_late_loop_that_waits_is_nobodys_fault(caplog: pytest.LogCaptureFixture) -> None:
    """A process that was stopped for a while, as by a debugger: its loop stands in its own code."""
    watchdog = Watchdog(0.5, lambda _: None)

    def look() -> bool:
        time.sleep(0.1)
        return watchdog._warned(9.0)

    with watchdog:
        assert not await asyncio.to_thread(look)
    assert "blocked" not in caplog.text
    assert blocking(None) is None


async def test_where_no_code_of_the_users_is_it_is_what_the_loop_called() -> None:
    loop = asyncio.get_running_loop()
    looking = loop.run_in_executor(None, seen_after, 0.1, threading.get_ident())
    loop.call_soon(threading.Event().wait, 0.5)
    frame = await looking
    assert frame is not None
    assert frame.f_code.co_qualname == "Event.wait"
