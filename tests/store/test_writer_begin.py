"""Runs that begin: many in one transaction, none of them where the store fails."""

import asyncio
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from sqlite3 import connect

import pytest

from mserve.store.base import Drop, End, Store, StoreError, Write
from mserve.store.opening import open_store
from mserve.store.writer import Writer
from store.conftest import Sql
from store.stored import a_run, append, events


def _nobody(_told: object) -> None:
    pass


def a_writer(store: Store, late: float = 5.0) -> Writer:
    return Writer(store, on_refused=_nobody, on_written=_nobody, late=late)


def counted(store: Store) -> list[int]:
    """Count a store's transactions from now on, each by its size."""
    transactions: list[int] = []
    write = store.write

    async def counting(writes: Sequence[Write]) -> set[str]:
        transactions.append(len(writes))
        return await write(writes)

    setattr(store, "write", counting)  # noqa: B010  # no type checker would let it be
    return transactions


async def test_those_that_begin_at_once_are_written_at_once_and_wait_for_nobody_else(store: Store) -> None:
    transactions = counted(store)
    writer = a_writer(store)
    runs = [a_run() for _ in range(50)]
    began = asyncio.get_running_loop().time()
    await asyncio.gather(*map(writer.begin, runs))
    assert asyncio.get_running_loop().time() < began + 4
    assert len(transactions) <= 2
    assert sum(transactions) == 50
    for run in runs:
        assert await store.run(run.key, run.owner) == run
    await writer.close()


async def test_a_run_may_say_all_in_the_transaction_in_which_it_begins(store: Store) -> None:
    writer = a_writer(store)
    run = a_run()
    beginning = asyncio.create_task(writer.begin(run))
    await asyncio.sleep(0)
    writer.put([append(run.key, 0, "a", "b"), End(run.key, "completed", 7)])
    await beginning
    await writer.flush()
    kept = await store.run(run.key, None)
    assert kept is not None
    assert (kept.status, kept.ended) == ("completed", 7)
    assert await events(store, run.key) == ["a", "b"]
    await writer.close()


async def test_what_is_written_twice_since_nobody_was_told_is_there_once(store: Store, sql: Sql) -> None:
    run = a_run()
    writer = a_writer(store)
    await writer.begin(run)
    await writer.begin(run)
    assert await sql("SELECT count(*) FROM mserve_runs") == [(1,)]
    await writer.close()


async def test_a_run_that_nobody_waits_for_any_more_is_not_left_active(store: Store) -> None:
    writer = a_writer(store)
    run = a_run()
    beginning = asyncio.create_task(writer.begin(run))
    await asyncio.sleep(0)
    beginning.cancel()
    with suppress(asyncio.CancelledError):
        await beginning
    await writer.flush()
    assert await store.run(run.key, None) is None
    await writer.close()


async def test_a_store_that_fails_refuses_at_once_and_later_ones_without_being_asked(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/runs.db")
    await store.open()
    writer = a_writer(store)
    await writer.begin(a_run())
    with closing(connect(tmp_path / "runs.db", isolation_level=None)) as file:
        file.execute("ALTER TABLE mserve_runs RENAME TO elsewhere")
        refused = a_run()
        with pytest.raises(StoreError):
            await writer.begin(refused)
        assert writer.failing
        with pytest.raises(StoreError, match="the store takes nothing at present"):
            await writer.begin(a_run())
        file.execute("ALTER TABLE elsewhere RENAME TO mserve_runs")
    await writer.flush()
    assert not writer.failing
    assert await store.run(refused.key, None) is None
    later = a_run()
    await writer.begin(later)
    assert await store.run(later.key, None) == later
    await writer.close()
    await store.close()


async def test_a_store_that_does_not_answer_is_not_waited_for(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mserve.store.writer._BEGINNING", 0.05)
    answer = asyncio.Event()

    write = store.write

    async def slow(writes: Sequence[Write]) -> set[str]:
        await answer.wait()
        return await write(writes)

    setattr(store, "write", slow)  # noqa: B010  # as above
    writer = a_writer(store)
    run = a_run()
    with pytest.raises(StoreError, match="the store does not answer"):
        await writer.begin(run)
    answer.set()
    await writer.flush()
    assert await store.run(run.key, None) is None
    await writer.close()


async def test_any_number_of_runs_that_came_to_nothing_is_forgotten_at_once(store: Store) -> None:
    kept = [await store.begin(a_run()) for _ in range(2)]
    names = [f"none-{number}" for number in range(40_000)]  # more than a statement of any database can name
    assert await store.write([Drop(key) for key in (kept[0].key, *names)]) == set()
    assert [run.key for run in await store.runs(10)] == [kept[1].key]


async def test_what_finishes_after_the_end_waits_for_nothing(store: Store) -> None:
    writer = a_writer(store)
    await writer.close()
    async with asyncio.timeout(1):
        await writer.finish(lambda: pytest.fail("nobody writes any more"))
