"""Who follows a run while its store is away: it goes on where it was, or ends with a reason."""

import asyncio

import pytest

from mserve.store.base import End
from mserve.store.opening import open_store
from mserve.web.kept.followed import UNAVAILABLE, Followed
from mserve.web.kept.newsroom import Newsroom
from postgres import Postgres
from store.stored import a_run, append


async def test_who_follows_a_run_waits_for_its_store_to_come_back(postgresql: Postgres) -> None:
    store = open_store(postgresql.empty())
    await store.open()
    run = await store.begin(a_run())
    await store.write([append(run.key, 0, "a")])
    newsroom = Newsroom(store, lambda _key: False)
    followed = Followed(run.key, store, newsroom)
    assert await followed.take() == [(0, ["a"])]
    await asyncio.to_thread(postgresql.stop)
    loop = asyncio.get_running_loop()
    assert await followed.take(loop.time() + 0.5) == []
    assert not followed.ended
    await asyncio.to_thread(postgresql.start)
    await store.write([append(run.key, 1, "b"), End(run.key, "completed", 5)])
    assert await followed.take() == [(0, ["b"])]
    while not followed.ended:
        assert await followed.take() == []
    assert (followed.failure, followed.ended_at) == (None, 5)
    followed.close()
    newsroom.close()
    await store.close()


async def test_who_follows_a_run_does_not_wait_for_a_store_for_ever(
    postgresql: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mserve.web.kept.followed._PATIENCE", 0.3)
    store = open_store(postgresql.empty())
    await store.open()
    run = await store.begin(a_run())
    newsroom = Newsroom(store, lambda _key: False)
    followed = Followed(run.key, store, newsroom)
    loop = asyncio.get_running_loop()
    assert await followed.take(loop.time() + 0.5) == []  # that it is silent for longer is no fault
    await asyncio.to_thread(postgresql.stop)
    lost = loop.time()
    assert await followed.take() == [(0, [UNAVAILABLE])]
    assert loop.time() - lost > 0.25
    assert followed.failure == UNAVAILABLE
    followed.close()
    newsroom.close()
    await store.close()
    await asyncio.to_thread(postgresql.start)
