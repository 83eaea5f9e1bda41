"""A thousand runs in the background, each read by a client that is cut off three times."""

import asyncio
import random

import pytest

from faults.leftovers import memory
from faults.resuming import Served, Stream, asked, clients, uninterrupted
from share import share

RUNS = share(1000)
AT_ONCE = 50
FIRST = 25
MEMORY = 16 * 2**20
"""Bytes that the server may grow by once it has run the first ones: a run that is over holds nothing."""


@pytest.mark.timeout(300)
async def test_runs_whose_clients_are_cut_off_again_and_again_lose_nothing(served: Served) -> None:
    server = served.start()
    room = asyncio.Semaphore(AT_ONCE)
    async with clients() as client:
        whole = await uninterrupted(client, server.base_url)

        async def run(number: int) -> None:
            """Read it in four parts; a tenth of them looks again only once it is over."""
            chance = random.Random(number)
            cuts = sorted(chance.sample(range(1, len(whole)), 3))
            stream = Stream(client, server.base_url)
            async with room:
                await stream.ask(asked(number, 0.005), until=cuts[0], reset=chance.random() < 0.5)
                for cut in cuts[1:]:
                    await asyncio.sleep(chance.uniform(0, 0.05) if chance.random() < 0.9 else 1)
                    await stream.resume(until=cut, reset=chance.random() < 0.5)
                await stream.finish()
                assert stream.bare == whole
                assert await stream.status() == "completed"

        await asyncio.gather(*map(run, range(FIRST)))
        before = memory(server.pid)
        await asyncio.gather(*map(run, range(FIRST, FIRST + RUNS)))
        assert memory(server.pid) - before < MEMORY
    names = [name for name, _ in served.asked()]
    assert sorted(names) == sorted(["whole", *map(str, range(FIRST + RUNS))])  # each once
