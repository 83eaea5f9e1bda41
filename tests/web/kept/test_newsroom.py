"""News of runs, and readers that follow them by it: of what others write or delete, and of a store that fails."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mserve.store.base import Append, Batch, End, News, Store, StoredRun, StoreError, Worker
from mserve.store.codec import encode
from mserve.store.opening import open_store
from mserve.web.kept.followed import UNAVAILABLE, Followed
from mserve.web.kept.newsroom import Newsroom


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = open_store(f"sqlite:///{tmp_path}/runs.db")
    await store.open()
    await store.beat(Worker("me", "here", 1))
    for key in ("one", "two"):
        run = StoredRun(
            key=key, owner="", endpoint="/v1/responses", program="p", model="m", created=1, body=b"{}", worker="me"
        )
        await store.begin(run)
    yield store
    await store.close()


async def waiting(newsroom: Newsroom, key: str, have: int = 0) -> asyncio.Task[News | None]:
    """Wait for news, and be sure that there are none yet."""
    task = asyncio.create_task(newsroom.news(key, have))
    while newsroom._task is None:
        await asyncio.sleep(0)
    assert not task.done()
    return task


async def test_who_waits_hears_of_what_others_write(store: Store) -> None:
    newsroom = Newsroom(store, lambda _: False)
    news = await waiting(newsroom, "one")
    await store.write([Append("one", Batch(0, encode([(0, ["a"])])))])
    assert await asyncio.wait_for(news, 5) == News(1, "active", None)
    end = await waiting(newsroom, "one", 1)
    await store.write([End("one", "completed", 7)])
    assert await asyncio.wait_for(end, 5) == News(1, "completed", 7)
    newsroom.close()


@pytest.mark.parametrize("ours", [False, True])
async def test_who_waits_hears_that_a_run_was_deleted_however_soon(store: Store, *, ours: bool) -> None:
    newsroom = Newsroom(store, lambda _: ours)
    news = await waiting(newsroom, "one")
    await store.delete("one", None)
    assert await asyncio.wait_for(news, 5) is None
    newsroom.close()


async def test_nobody_looks_when_nobody_waits_and_somebody_does_again(store: Store) -> None:
    newsroom = Newsroom(store, lambda _: False)
    for key in ("one", "two"):
        news = await waiting(newsroom, key)
        await store.write([End(key, "completed", 7)])
        assert await asyncio.wait_for(news, 5) == News(0, "completed", 7)
        while newsroom._task is not None:
            await asyncio.sleep(0.01)


async def test_who_waits_hears_that_the_store_fails(store: Store, tmp_path: Path) -> None:
    newsroom = Newsroom(store, lambda _: False)
    news = await waiting(newsroom, "one")
    for file in tmp_path.glob("runs.db*"):
        file.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError):
        await asyncio.wait_for(news, 5)
    newsroom.close()


async def test_what_was_read_before_anybody_asks_is_given_at_once(store: Store) -> None:
    newsroom = Newsroom(store, lambda _: False)
    followed = Followed("none", store, newsroom)
    while not followed.closed:
        await asyncio.sleep(0.01)
    ((choice, (failure,)),) = await asyncio.wait_for(followed.take(), 5)
    assert (choice, failure) == (0, followed.failure)
    assert await followed.take() == []
    followed.close()


async def test_no_more_is_read_than_is_taken(store: Store) -> None:
    await store.write([Append("one", Batch(number, encode([(0, [str(number)])]))) for number in range(300)])
    await store.write([End("one", "completed", 7)])
    followed = Followed("one", store, Newsroom(store, lambda _: False))
    while not followed._batches:
        await asyncio.sleep(0.01)
    for _ in range(20):  # in which all of it could be read
        await store.news(["one"])
        await asyncio.sleep(0.01)
    assert len(followed._batches) == 64
    taken: list[object] = []
    while not followed.ended:
        for _, said in await asyncio.wait_for(followed.take(), 5):
            taken += said
    assert taken == [str(number) for number in range(300)]
    assert (followed.taken, followed.ended_at, followed.failure) == (300, 7, None)
    followed.close()


async def test_whatever_a_store_raises_nobody_waits_for_ever(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    newsroom = Newsroom(store, lambda _: False)
    news = await waiting(newsroom, "one")
    followed = Followed("one", store, newsroom)
    await store.close()  # of which it says something of Python's own
    with pytest.raises(RuntimeError):
        await asyncio.wait_for(news, 5)
    assert await asyncio.wait_for(followed.take(), 5) == [(0, [UNAVAILABLE])]
    assert "A kept run was not read to its end" in caplog.text
    followed.close()
