"""A store that fails while runs go on: who needs it is told so at once, who does not hears nothing of it, and what was
under way is whole once it is back."""

import asyncio
import resource
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from faults.leftovers import memory
from faults.resuming import LIMIT, Served, Stream, asked, clients, uninterrupted, until
from postgres import Postgres
from processes import Serve, ServerProcess
from store import disk

PAUSE = 0.15
"""Between two events: five seconds for all of them."""
AT_ONCE = 1.0
UNKEPT: dict[str, tuple[str, dict[str, Any]]] = {
    "a response that is not kept": ("/responses", {"input": "unkept 0.02 -1", "store": False}),
    "chat": ("/chat/completions", {"messages": [{"role": "user", "content": "chat 0.02 -1"}]}),
}


FLOOD = """
import asyncio

async def serve(prompt):
    while prompt == "flood":
        yield "x" * 50_000
        await asyncio.sleep(0.0005)
    yield "calm"
"""


class Faulty(NamedTuple):
    """A store, and what takes it away and brings it back."""

    served: Served
    fail: Callable[[httpx.AsyncClient, ServerProcess], Any]
    mend: Callable[[ServerProcess], None]


@pytest.fixture(params=["full disk", "lost database"])
def faulty(request: pytest.FixtureRequest, serve: Serve, tmp_path: Path) -> Iterator[Faulty]:
    with FAULTS[request.param](request, serve, tmp_path) as faulty:
        yield faulty


async def test_who_needs_a_store_that_fails_is_told_and_nobody_else_hears_of_it(faulty: Faulty) -> None:
    server = faulty.served.start()
    async with clients() as client, going_on(client, server) as slowest:
        whole = await uninterrupted(client, server.base_url)
        await faulty.fail(client, server)
        for _ in range(10):
            for path, body, headers in (
                ("/responses", {"input": "new 0 -1"}, {}),
                ("/responses", {"input": "new 0 -1", "stream": True}, {}),
                ("/responses", {"input": "new 0 -1", "background": True}, {}),
                (
                    "/chat/completions",
                    {"messages": [{"role": "user", "content": "new 0 -1"}]},
                    {"Idempotency-Key": "a"},
                ),
                ("/conversations", {"metadata": {"at": "x" * 60_000}}, {}),
            ):
                began = time.monotonic()
                answer = await client.post(f"{server.base_url}{path}", json={"model": "m"} | body, headers=headers)
                assert time.monotonic() - began < AT_ONCE
                assert (answer.status_code, answer.json()["error"]["code"]) == (503, "store_unavailable"), path
                assert int(answer.headers["retry-after"]) > 0
        faulty.mend(server)
        stream = Stream(client, server.base_url)
        async with asyncio.timeout(LIMIT):
            while not stream.frames:
                await try_to_ask(stream)
        assert stream.bare == whole
    assert slowest.gap < AT_ONCE
    assert slowest.streams >= len(UNKEPT)
    assert "new" not in {name for name, _ in faulty.served.asked()}


async def test_streams_that_were_under_way_are_whole_when_the_store_is_back(faulty: Faulty) -> None:
    """Those that are read where they run, those that are followed in the store, and those that nobody reads."""
    server = faulty.served.start()
    async with clients() as client:
        whole = await uninterrupted(client, server.base_url)
        read, followed, alone = ([Stream(client, server.base_url) for _ in range(8)] for _ in range(3))
        begun = [asyncio.create_task(stream.ask(asked(f"read-{number}", PAUSE))) for number, stream in enumerate(read)]
        for number, stream in enumerate(followed):
            await stream.ask(asked(f"followed-{number}", PAUSE), until=3)
            begun.append(asyncio.create_task(stream.resume()))
        for number, stream in enumerate(alone):
            await stream.ask(asked(f"alone-{number}", PAUSE), until=1 + number)
        await until(lambda: all(len(stream.frames) > 3 for stream in (*read, *followed)))
        await faulty.fail(client, server)
        server.wait_for("What runs say is kept in memory until it can be written")
        assert not any(stream.last for stream in read)
        await until(lambda: any(stream.last for stream in read))  # its end waits for no store
        faulty.mend(server)
        await asyncio.gather(*begun)
        await asyncio.gather(*(stream.finish() for stream in alone))
        every = [*read, *followed, *alone]
        assert [stream.bare for stream in every] == [whole] * len(every)
        again = [stream.cut_at(1, server.base_url) for stream in every]
        await asyncio.gather(*(stream.finish() for stream in again))
        assert [stream.frames for stream in again] == [stream.frames for stream in every]
        assert {await stream.status() for stream in every} == {"completed"}
        server.wait_for("The store can be written again")
    names = [name for name, _ in faulty.served.asked() if name not in ("whole", "new")]
    assert len(names) == len(set(names)) == len(every)


async def test_a_run_that_says_too_much_for_a_store_that_is_away_is_given_up(
    serve: Serve, tmp_path: Path, postgresql: Postgres
) -> None:
    """What waits to be written has a bound. Whoever finds the run later is told that it has no end."""
    server = Served(serve, tmp_path, postgresql.empty()).start(program=FLOOD)
    async with clients() as client:
        await Stream(client, server.base_url).ask(asked("calm"))
        before = memory(server.pid)
        stream = Stream(client, server.base_url)
        await stream.ask({"input": "flood", "background": True, "stream": True}, until=6)
        postgresql.stop()
        server.wait_for("The store has taken nothing for too long: 1 runs are given up", LIMIT)
        assert memory(server.pid) - before < 6 * 64 * 2**20  # and what it takes to try to write so much
        postgresql.start()
        await stream.finish()
        assert stream.last == "failed"
        assert b"The end of the answer could not be kept." in stream.frames[-1]
        assert await stream.status() == "failed"


class Slowest:
    """What streams that need no store saw: how many there were, and the longest silence in one."""

    streams = 0
    gap = 0.0


@asynccontextmanager
async def going_on(client: httpx.AsyncClient, server: ServerProcess) -> AsyncIterator[Slowest]:
    """Ask for one stream after another of each kind that is not kept."""
    slowest = Slowest()
    ending = asyncio.Event()

    async def ask(path: str, body: dict[str, Any]) -> None:
        while not ending.is_set():
            said, before = b"", time.monotonic()
            body = {"model": "m", "stream": True, **body}
            async with client.stream("POST", f"{server.base_url}{path}", json=body) as answer:
                assert answer.status_code == 200
                async for piece in answer.aiter_raw():
                    said += piece
                    now = time.monotonic()
                    slowest.gap, before = max(slowest.gap, now - before), now
            assert b"more 8" in said
            slowest.streams += 1

    asking = [asyncio.create_task(ask(path, body)) for path, body in UNKEPT.values()]
    yield slowest
    ending.set()
    await asyncio.gather(*asking)


async def try_to_ask(stream: Stream) -> None:
    try:
        await stream.ask(asked("again"))
    except AssertionError as error:
        assert "store_unavailable" in str(error)  # noqa: PT017  # it may take a moment
        await asyncio.sleep(0.1)


@contextmanager
def full_disk(_request: pytest.FixtureRequest, serve: Serve, folder: Path) -> Iterator[Faulty]:
    with disk.small(folder / "small") as make_room:

        async def fill(client: httpx.AsyncClient, server: ServerProcess) -> None:
            """Have small things kept, until not even one of them has room."""
            body = {"items": [{"type": "message", "role": "user", "content": "x" * 60_000}]}
            refused = 0
            while refused < 5:
                answer = await client.post(f"{server.base_url}/conversations", json=body)
                refused += answer.status_code == 503
                if answer.status_code == 503:
                    body = {"items": []}

        def mend(server: ServerProcess) -> None:
            make_room()
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, resource.getrlimit(resource.RLIMIT_FSIZE))

        yield Faulty(Served(serve, folder, f"sqlite:///{folder}/small/runs.db"), fill, mend)


@contextmanager
def lost_database(request: pytest.FixtureRequest, serve: Serve, folder: Path) -> Iterator[Faulty]:
    database: Postgres = request.getfixturevalue("postgresql")

    async def stop(_client: httpx.AsyncClient, _server: ServerProcess) -> None:
        await asyncio.to_thread(database.stop)

    try:
        yield Faulty(Served(serve, folder, database.empty()), stop, lambda _server: database.start())
    finally:
        database.start()


FAULTS = {"full disk": full_disk, "lost database": lost_database}
