import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from faults.leftovers import assert_nothing_is_left, held, memory
from processes import Serve, ServerProcess
from share import share

STREAMS = share(1000)
SECONDS = max(10, share(60))
PAUSE = 0.05
CLIENT = Path(__file__).with_name("many_streams.py")
KEY = "secret-of-load"
HEADERS = {"Authorization": f"Bearer {KEY}"}
PROGRAM = """
import asyncio

async def serve(prompt, tokens: int = 0):
    if prompt == "tasks":
        yield str(len(asyncio.all_tasks()))
    for number in range(tokens):
        await asyncio.sleep(0.05)
        yield f"{number} "
"""


@pytest.mark.timeout(400)
def test_many_streams_at_once_flow_evenly_with_everything_on(serve: Serve) -> None:
    if len(cores := sorted(os.sched_getaffinity(0))) < 2:
        pytest.fail("the client needs a core of its own")
    server = serve(PROGRAM, flags=("--log-format", "json"), env={"MSERVE_API_KEY": f"load:{KEY}"})
    os.sched_setaffinity(server.pid, {cores[0]})
    before = held(server, HEADERS)
    rounds = 0
    while True:
        rounds += 1
        seen, early, late = _load(server)
        print(f"{STREAMS} streams of {SECONDS} s: {seen}, memory {early} then {late}")  # noqa: T201  # with -s or a failure
        assert seen["whole"] == STREAMS, seen
        # Of a client that could not look in time, or whose machine was busy with others, the gaps say nothing.
        if seen["lag"]["p99"] < 0.005 and seen["busy"] < 0.8:
            break
        assert rounds < 5, f"the client did not keep up, {rounds} times: {seen}"
    assert seen["gap"]["p99"] <= 0.060, seen
    assert late - early < 4_000_000
    counted = httpx.get(server.base_url.removesuffix("/v1") + "/metrics", headers=HEADERS).text
    asked = re.search(r'mserve_requests_total{outcome="finished",program="program_\w+",status="2xx"} (\S+)', counted)
    assert asked is not None
    assert int(float(asked[1])) == rounds * STREAMS + 1  # who looked what is held
    lines = [json.loads(line) for line in server.output.splitlines() if '"mserve.access"' in line]
    streamed = [line for line in lines if line.get("stream")]
    assert [line["end"] for line in streamed] == ["finished:stop"] * rounds * STREAMS
    assert {line["caller"] for line in streamed} == {"load"}
    assert_nothing_is_left(server, before, memory=64_000_000, headers=HEADERS)


def _load(server: ServerProcess) -> tuple[Any, int, int]:
    """Run the client; give what it saw, and the server's memory once all streams flow, and before the first ends."""
    url = httpx.URL(server.base_url)
    client = subprocess.Popen(
        [sys.executable, CLIENT, url.host, str(url.port), KEY, str(STREAMS), str(round(SECONDS / PAUSE))],
        stdout=subprocess.PIPE,
    )
    try:
        time.sleep(SECONDS * 0.4)
        early = memory(server.pid)
        time.sleep(SECONDS * 0.5)
        late = memory(server.pid)
        out, _ = client.communicate(timeout=120)
    finally:
        client.kill()
        client.wait()
    assert client.returncode == 0
    return json.loads(out), early, late
