import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from on_ray.asking import Stream, ask, body, client
from on_ray.conftest import PROGRAMS
from raying import RayServer
from share import share

pytestmark = pytest.mark.timeout(180)

STREAMS = share(200)
LATE = max(20, STREAMS // 4)  # so many that they cannot meet one replica by chance


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of the program's own, where it can be edited."""
    (tmp_path / "talker.py").write_text((PROGRAMS / "talker.py").read_text())
    return tmp_path


@pytest.fixture
def elastic(folder: Path) -> Iterator[RayServer]:
    server = RayServer(
        str(folder / "talker.py"),
        *("--autoscale", "1:4", "--target-runs", str(max(1, STREAMS // 4))),
        *("--upscale-delay", "0.5", "--downscale-delay", "2"),
    )
    server.deploy()
    yield server
    server.stop()


async def replicas_until(server: RayServer, count: int, limit: float) -> set[int]:
    until = time.monotonic() + limit
    while len(found := server.replicas("talker")) != count:
        assert time.monotonic() < until, f"{len(found)} replicas, and not {count} in {limit} s"
        await asyncio.sleep(0.1)
    return found


def whole(streams: list[Stream], count: int) -> int:
    """Count the streams that have each of their own words once, and nobody else's."""
    faults = [stream for n, stream in enumerate(streams) if not stream.is_whole(f"s{n}", count)]
    for stream in faults[:3]:
        print(stream.status, stream.broken, stream.error, stream.done, stream.text[:80], stream.text[-80:])
    return len(streams) - len(faults)


async def test_no_stream_is_lost_while_replicas_come_and_go(elastic: RayServer) -> None:
    assert len(elastic.replicas("talker")) == 1
    words = 60
    async with client() as http:
        asked = [body(f"s{n}", count=words, pause=0.5) for n in range(STREAMS)]
        streams = [asyncio.create_task(ask(http, elastic.base_url, one)) for one in asked]
        await replicas_until(elastic, 4, 60)
        late = [asyncio.create_task(ask(http, elastic.base_url, body(f"s{n}", count=20))) for n in range(LATE)]
        long = [asyncio.create_task(ask(http, elastic.base_url, body(f"s{n}", count=140, pause=0.1))) for n in range(4)]
        assert whole(await asyncio.gather(*late), 20) == len(late)
        assert whole(await asyncio.gather(*streams), words) == STREAMS
        # Three of four go while these still run, each on whichever replica it is.
        assert whole(await asyncio.gather(*long), 140) == len(long)
        await replicas_until(elastic, 1, 60)
    pids = {stream.pid for stream in [task.result() for task in late]}
    print(f"from 1 to 4 to 1: {STREAMS} streams, the late ones on {len(pids)} replicas")
    assert len(pids) > 1


async def test_an_update_lets_old_streams_finish_and_new_ones_are_the_new_program_s(
    elastic: RayServer, folder: Path
) -> None:
    words = 120
    async with client() as http:
        streams = [
            asyncio.create_task(ask(http, elastic.base_url, body(f"s{n}", count=words, pause=0.25)))
            for n in range(STREAMS)
        ]
        file = folder / "talker.py"
        file.write_text(file.read_text().replace('{prompt}/{number} "', 'new/{number} "'))
        updating = asyncio.create_task(asyncio.to_thread(elastic.deploy))
        first = await ask(http, elastic.base_url, body("x", count=1))
        began = time.monotonic()
        while not (updated := await ask(http, elastic.base_url, body("x", count=1))).is_whole("new", 1):
            assert updated.is_whole("x", 1), updated  # who comes meanwhile gets one program or the other, and an answer
            assert time.monotonic() - began < 60
        assert first.is_whole("x", 1)
        assert updated.pid != first.pid
        running = sum(not task.done() for task in streams)
        print(f"updated after {time.monotonic() - began:.1f} s, while {running} of {STREAMS} streams went on")
        assert running
        assert whole(await asyncio.gather(*streams), words) == STREAMS
        await updating
