"""Clients that are killed at random moments: every program hears of it, async ones at once, and nothing is left."""

import asyncio
import re
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from faults.killing import LIMIT, NOTING, Killed, Killer, Seen
from faults.leftovers import TASKS, assert_nothing_is_left, held
from processes import Serve, ServerProcess
from share import share
from web.outcomes import metrics_of

MEMORY = 3 * 1024 * 1024
"""Bytes that the server may hold beyond those that it held after its first clients."""


class Kind(NamedTuple):
    program: str
    speaks: bool
    within: float
    """Seconds from the kill until the program is closed, while its loop runs at all."""


ASYNC_GENERATOR = """
async def serve(prompt):
    note("start", prompt)
    try:
        await asyncio.sleep(0.05)
        while True:
            yield "a"
            await asyncio.sleep(0.01)
    finally:
        note("end", prompt)
"""
ASYNC_FUNCTION = """
async def serve(prompt):
    note("start", prompt)
    try:
        await asyncio.sleep(60)
    finally:
        note("end", prompt)
"""
SYNC_GENERATOR = """
import threading

def serve(prompt):
    thread = threading.get_ident()
    note("start", prompt)
    try:
        time.sleep(0.05)
        while True:
            yield "a"
            time.sleep(0.01)
    finally:
        note("end" if thread == threading.get_ident() else "elsewhere", prompt)
"""
SYNC_FUNCTION = """
def serve(prompt, cancelled):
    note("start", prompt)
    while not cancelled.is_set():
        time.sleep(0.01)
    note("end", prompt)
"""
MELLEA = """
from mellea.backends.openai import OpenAIBackend
from mellea.stdlib import functional
from mellea.stdlib.components import Message
from mellea.stdlib.context import SimpleContext

backend = OpenAIBackend("program", base_url=os.environ["UPSTREAM"], api_key="none", max_retries=0)

async def serve(prompt, model_options):
    note("start", prompt)
    try:
        thunk, _ = await functional.aact(
            Message("user", prompt), SimpleContext(), backend, strategy=None, await_result=False,
            model_options=model_options,
        )
    except BaseException:
        note("end", prompt)
        raise
    thunk._gen.generate.add_done_callback(lambda _: note("end", prompt))
    return thunk
"""
KINDS = {
    "async generator": Kind(ASYNC_GENERATOR, speaks=True, within=0.05),
    "async function": Kind(ASYNC_FUNCTION, speaks=False, within=0.05),
    "sync generator": Kind(SYNC_GENERATOR, speaks=True, within=0.25),
    "sync function": Kind(SYNC_FUNCTION, speaks=False, within=0.25),
    "mellea": Kind(MELLEA, speaks=True, within=0.05),
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", KINDS)
async def test_the_program_of_every_killed_client_is_closed_and_nothing_is_left(
    serve: Serve, tmp_path: Path, kind: str
) -> None:
    program, speaks, within = KINDS[kind]
    upstream = started(serve, tmp_path / "upstream", ASYNC_GENERATOR, runs=1000) if kind == "mellea" else None
    server = started(serve, tmp_path / "notes", program, runs=12, upstream=upstream)
    servers = [each for each in (server, upstream) if each is not None]
    killer = Killer(server, seed=4, at_once=32, speaks=speaks)
    await killer.kill([f"first-{number}" for number in range(60)], per_process=6)
    before = [held(each) for each in servers]
    killed = await killer.kill([str(number) for number in range(share(1000))], per_process=20)
    seen = await closed(tmp_path / "notes")
    assert_each_was_closed(killed, seen, within)
    assert_each_moment_was_met(server, killed, seen, speaks=speaks)
    if upstream is not None:
        assert (await closed(tmp_path / "upstream")).names("start") <= seen.names("start")
    for each, then in zip(servers, before, strict=True):
        assert_nothing_is_left(each, then, memory=MEMORY)


def started(
    serve: Serve, notes: Path, program: str, *, runs: int, upstream: ServerProcess | None = None
) -> ServerProcess:
    notes.touch()
    flags = ("--name", "program", "--name", "tasks", "--max-runs", str(runs), "--no-access-log")
    env = {"NOTES": str(notes), "UPSTREAM": upstream.base_url if upstream is not None else ""}
    return serve(NOTING + program, TASKS, flags=flags, env=env)


async def closed(notes: Path) -> Seen:
    """Give what was seen, once every program that began has ended."""
    until = time.monotonic() + LIMIT
    while (seen := Seen(notes)).names("start") != seen.names("end"):
        assert time.monotonic() < until, f"not closed: {seen.names('start') - seen.names('end')}"
        await asyncio.sleep(0.05)
    return seen


def assert_each_was_closed(killed: Sequence[Killed], seen: Seen, within: float) -> None:
    """Each was closed once and in time. What the machine kept the whole loop from is not the program's delay, but that
    excuses half of them at most: a server that held up its own loop would excuse itself."""
    delays = []
    for client in killed:
        # A client that is killed while it is queued may still meet a program that begins in the same moment.
        for start in (starts := seen.times("start", client.name)):
            assert start - client.at - seen.paused(client.at, start) < within
        assert len(seen.times("end", client.name)) == len(starts) <= 1
        for end in seen.times("end", client.name):
            assert end - client.at - seen.paused(client.at, end) < within
            delays.append(end - client.at)
    assert statistics.median(delays) < within


def assert_each_moment_was_met(server: ServerProcess, killed: Sequence[Killed], seen: Seen, *, speaks: bool) -> None:
    """Some were killed while they were queued, some before the first token, some in mid-stream; none heard an error."""
    began = seen.names("start")
    queued = [client for client in killed if client.name not in began]
    spoken = [client for client in killed if client.heard]
    assert 0.1 < len(queued) / len(killed) < 0.9
    assert 0 < len(spoken) < len(killed) - len(queued) or not speaks
    assert all(client.heard.startswith(b"HTTP/1.1 200 ") and b"error" not in client.heard for client in spoken)
    outcomes = re.findall(r'mserve_requests_total\{outcome="(\w+)",program="program",.*\} (\S+)', metrics_of(server))
    assert {outcome for outcome, _ in outcomes} == {"client_left"}
    assert sum(float(count) for _, count in outcomes) > len(began)  # the others were queued, not lost on their way
