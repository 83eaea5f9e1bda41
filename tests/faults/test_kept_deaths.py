"""Processes that are killed while they run kept programs, or carry the streams of others: what is lost is what was not
written yet, of their own runs alone, and these end as failed."""

import asyncio
import os
import signal
from itertools import pairwise

import httpx

from faults.resuming import Served, Stream, asked, clients, counts, uninterrupted, until
from share import share

PAUSE = 0.02
RUNS = max(24, share(48))
PAUSES = [PAUSE / (1 - 0.75 * number / RUNS) for number in range(RUNS)]
"""Each run has a pace of its own: at any moment they are at as many events."""


async def test_a_stream_whose_process_dies_at_any_event_ends_as_failed_behind_all_its_events(served: Served) -> None:
    """Each run waits somewhere else while its process is killed: all that it said is there, and the end behind it."""
    dying, living = served.start(), served.start()
    said = counts()
    async with clients() as client:
        whole = await uninterrupted(client, living.base_url)
        streams = [Stream(client, dying.base_url) for _ in said]
        asking = [
            asyncio.create_task(stream.ask(asked(most, 0, most)))
            for most, stream in enumerate(streams)  # hangs until its process is gone
        ]
        written = [Stream(client, living.base_url) for _ in said]
        for stream, count, follower in zip(streams, said, written, strict=True):
            await until(lambda stream=stream, count=count: len(stream.frames) == count)  # type: ignore[misc]
            follower.frames = stream.frames[:1]
            await follower.resume(until=count)
        dying.stop(signal.SIGKILL)
        assert all(
            isinstance(gone, httpx.TransportError) for gone in await asyncio.gather(*asking, return_exceptions=True)
        )
        assert [stream.bare for stream in streams] == [whole[:count] for count in said]
        cut = [
            stream.cut_at(at, living.base_url)
            for (before, count), stream in zip(pairwise([0, *said]), streams, strict=True)
            for at in range(max(1, before), count + 1)
        ]
        await asyncio.gather(*(stream.finish() for stream in cut))
        for stream in cut:
            assert stream.bare[:-1] == whole[: len(stream.frames) - 1]
            assert stream.last == "failed"
            assert b"The server's process ended" in stream.frames[-1]
        assert {len(stream.frames) - 1 for stream in cut} == {*said}
        assert {await stream.cut_at(1, living.base_url).status() for stream in streams} == {"failed"}


async def test_a_stream_whose_process_dies_while_it_speaks_ends_as_failed_without_a_gap(served: Served) -> None:
    """Clients may have been told what was not written any more: they hear the end behind that."""
    dying, living = served.start(), served.start()
    async with clients() as client:
        whole = await uninterrupted(client, living.base_url)
        streams = [Stream(client, dying.base_url) for _ in range(RUNS)]
        asking = [
            asyncio.create_task(stream.ask(asked(number, PAUSES[number]))) for number, stream in enumerate(streams)
        ]
        await until(lambda: are_apart(streams))
        dying.stop(signal.SIGKILL)
        await asyncio.gather(*asking, return_exceptions=True)
        streams = [stream.cut_at(len(stream.frames), living.base_url) for stream in streams if stream.frames]
        had = [len(stream.frames) for stream in streams]
        await asyncio.gather(*(stream.finish() for stream in streams))
        written = [stream.cut_at(1, living.base_url) for stream in streams]
        await asyncio.gather(*(stream.finish() for stream in written))
        for stream, again, count in zip(streams, written, had, strict=True):
            assert stream.last == again.last
            if again.last == "completed":
                assert stream.bare == again.bare == whole
                continue
            assert stream.last == "failed"
            assert stream.bare[:-1] == whole[: len(stream.frames) - 1]
            assert again.bare[:-1] == whole[: len(again.frames) - 1]
            assert len(again.frames) - 1 >= count - 0.5 / PAUSE  # written 50 ms late, where there is nothing else to do
        assert sum(stream.last == "failed" for stream in streams) > RUNS // 6


async def test_a_process_that_carries_the_streams_of_another_takes_nothing_with_it(served: Served) -> None:
    running, dying = served.start(), served.start()
    async with clients() as client:
        whole = await uninterrupted(client, running.base_url)
        streams = [Stream(client, running.base_url) for _ in range(RUNS)]
        carried = list[Stream]()

        async def follow(number: int, stream: Stream) -> None:
            await stream.ask(asked(number, PAUSES[number]), until=2)
            carried.append(stream.cut_at(2, dying.base_url))
            await carried[-1].resume()

        following = [asyncio.create_task(follow(number, stream)) for number, stream in enumerate(streams)]
        await until(lambda: are_apart(carried))
        dying.stop(signal.SIGKILL)
        await asyncio.gather(*following, return_exceptions=True)
        carried = [stream.cut_at(len(stream.frames), running.base_url) for stream in carried]
        await asyncio.gather(*(stream.finish() for stream in carried))
        assert [stream.bare for stream in carried] == [whole] * RUNS


async def test_of_two_workers_one_is_killed_and_the_other_answers_for_all(served: Served) -> None:
    server = served.start("--workers", "2")
    async with clients() as client:
        whole = await uninterrupted(client, server.base_url)
        streams = [Stream(client, server.base_url) for _ in range(RUNS)]

        async def follow(number: int, stream: Stream) -> None:
            await stream.ask(asked(number, PAUSES[number]), until=number % 2 + 1)
            await stream.resume()

        following = [asyncio.create_task(follow(number, stream)) for number, stream in enumerate(streams)]
        await until(lambda: are_apart(streams) and len(served.asked()) > RUNS)
        killed = dict(served.asked())[str(RUNS - 1)]
        assert killed != server.pid
        ended = {number for number, stream in enumerate(streams) if stream.last}
        os.kill(killed, signal.SIGKILL)
        await asyncio.gather(*following, return_exceptions=True)
        begun = [stream for stream in streams if stream.frames]
        await asyncio.gather(*(stream.finish() for stream in begun))
        ran = dict(served.asked())
        for number, stream in enumerate(streams):
            if stream.last == "completed":
                assert stream.bare == whole
            elif stream.frames:
                assert stream.last == "failed"
                assert ran.get(str(number), killed) == killed
                assert number not in ended
                assert stream.bare[:-1] == whole[: len(stream.frames) - 1]
        assert {stream.last for stream in begun} == {"completed", "failed"}
        assert any(stream.last == "completed" for number, stream in enumerate(streams) if number not in ended)


def are_apart(streams: list[Stream]) -> bool:
    """Tell whether clients have got as far as they shall: so many of them stand at other events."""
    return len({len(stream.frames) for stream in streams if not stream.last}) > RUNS // 4
