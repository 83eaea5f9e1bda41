import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from on_ray.asking import Stream, ask, body, client
from on_ray.conftest import PROGRAMS
from raying import RayServer, until
from share import share

pytestmark = pytest.mark.timeout(180)

STREAMS = max(20, share(50))  # so many that they cannot meet one replica by chance
WORDS = 60


@pytest.fixture
def pair() -> Iterator[RayServer]:
    server = RayServer(str(PROGRAMS / "talker.py"), "--replicas", "2", "--ingress-replicas", "2")
    server.deploy()
    yield server
    server.stop()


async def running(
    http: httpx.AsyncClient, server: RayServer, marks: Path | None = None
) -> list["asyncio.Task[Stream]"]:
    """Start streams, and wait until each has said its first word."""
    begun: list[int] = []
    asked = [
        body(f"s{n}", count=WORDS, pause=0.2, mark="" if marks is None else str(marks / str(n))) for n in range(STREAMS)
    ]
    tasks = [asyncio.create_task(ask(http, server.base_url, one, lambda: begun.append(1))) for one in asked]
    while len(begun) < STREAMS:
        await asyncio.sleep(0.05)
        assert not any(task.done() for task in tasks)
    return tasks


def cancellations(marks: Path) -> list[float]:
    """The times at which programs were cancelled."""
    return [float(said) for file in marks.iterdir() if (said := file.read_text())]


async def test_a_killed_replica_ends_its_streams_with_a_framed_error_and_no_others(pair: RayServer) -> None:
    async with client() as http:
        tasks = await running(http, pair)
        victim, other = pair.replicas("talker")
        os.kill(victim, signal.SIGKILL)
        killed = time.monotonic()
        streams = await asyncio.gather(*tasks)
    died = {n: stream for n, stream in enumerate(streams) if stream.pid == victim}
    assert died
    assert len(died) < STREAMS
    for n, stream in enumerate(streams):
        if n not in died:
            assert stream.pid == other, stream
            assert stream.is_whole(f"s{n}", WORDS), stream
            continue
        assert not stream.broken, stream
        assert stream.done <= 1, stream
        assert (stream.error or {}).get("code") == "replica_died", stream
        said = stream.text.split()[1:]
        assert said == [f"s{n}/{number}" for number in range(len(said))]  # nothing is lost in its middle
    async with client() as http:
        while (await ask(http, pair.base_url, body("x", count=1))).pid == other:
            assert time.monotonic() - killed < 60
    print(
        f"{len(died)} of {STREAMS} streams ended, the others were whole; a new replica answered after "
        f"{time.monotonic() - killed:.1f} s"
    )


async def test_a_killed_ingress_ends_its_own_streams_and_their_programs(pair: RayServer, tmp_path: Path) -> None:
    async with client() as http:
        tasks = await running(http, pair, tmp_path)
        victim = min(pair.replicas("ingress"))
        os.kill(victim, signal.SIGKILL)
        killed = time.time()
        streams = await asyncio.gather(*tasks)
    whole = [stream for n, stream in enumerate(streams) if stream.is_whole(f"s{n}", WORDS)]
    cut = [stream for stream in streams if stream.broken or stream.error is not None]
    print(Counter((stream.broken, str(stream.error), stream.done) for stream in streams))
    assert len(whole) + len(cut) == STREAMS
    assert whole
    assert cut
    assert not any(stream.done for stream in cut)  # nobody takes half an answer for a whole one
    until(lambda: len(cancellations(tmp_path)) == len(cut), 30, "the cancellation of their programs")
    print(f"programs were cancelled {max(cancellations(tmp_path)) - killed:.1f} s after their ingress died")
