"""Processes that have not been heard of, on machines that nobody can look at: when are they dead?"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from mserve.options import Options
from mserve.store.base import Store, Worker
from mserve.store.opening import open_store
from mserve.store.place import this_worker
from mserve.web.kept import vigil
from postgres import Postgres
from store.stored import a_run

SILENT = 2.0
ELSEWHERE = Worker("w", "elsewhere", 1)


@pytest.fixture(autouse=True)
def _short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vigil, "_BEAT", 0.3)
    monkeypatch.setattr(vigil, "_LOOK", 0.02)
    monkeypatch.setattr(vigil, "_SILENT", SILENT)
    monkeypatch.setattr(vigil, "_GAP", SILENT / 2)


@pytest.fixture
async def store(postgresql: Postgres) -> AsyncIterator[Store]:
    store = open_store(postgresql.empty())
    await store.open()
    yield store
    await store.close()


async def test_who_has_just_come_takes_nobody_for_dead_that_it_has_not_listened_to(store: Store) -> None:
    await store.beat(ELSEWHERE)
    run = await store.begin(a_run(worker=ELSEWHERE.name))
    await asyncio.sleep(SILENT + 0.1)
    ours = vigil.Vigil(store, this_worker(), Options(), lambda _key: None)
    await ours.begin()
    assert await status(store, run.key) == "active"
    await until_failed(store, run.key)
    await ours.end()


async def test_nobody_is_dead_for_having_been_silent_while_the_store_was_away(
    store: Store, postgresql: Postgres
) -> None:
    await store.beat(ELSEWHERE)
    run = await store.begin(a_run(worker=ELSEWHERE.name))
    told = list[str]()
    ours = vigil.Vigil(store, us := this_worker(), Options(), told.append)
    await ours.begin()
    for _ in range(30):  # until silence counts
        await asyncio.sleep(0.1)
        await store.beat(ELSEWHERE)
    await asyncio.to_thread(postgresql.stop)
    await asyncio.sleep(SILENT + 0.1)
    await asyncio.to_thread(postgresql.start)
    ask = await store.begin(a_run(worker=us.name))
    await store.ask_to_cancel(ask.key)
    async with asyncio.timeout(SILENT):
        while len(told) < 3:  # so often have we looked again since
            await asyncio.sleep(0.01)
    assert await status(store, run.key) == "active"
    await store.beat(ELSEWHERE)
    assert await status(store, run.key) == "active"
    await until_failed(store, run.key)  # then it really is silent
    await ours.end()


async def status(store: Store, key: str) -> str:
    return (await store.news([key]))[key].status


async def until_failed(store: Store, key: str) -> None:
    async with asyncio.timeout(5 * SILENT):
        while await status(store, key) != "failed":
            await asyncio.sleep(0.02)
