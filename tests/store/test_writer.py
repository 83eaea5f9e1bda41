import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Collection, Sequence
from pathlib import Path

import pytest
from sqlalchemy import make_url

from mserve.store.base import End, Store, StoreError, Write
from mserve.store.opening import open_store
from mserve.store.sql import SqlStore
from mserve.store.writer import Writer
from store.stored import a_run, append, events


class Told:
    """What a writer tells."""

    def __init__(self) -> None:
        self.refused: list[str] = []
        self.written: list[set[str]] = []

    def on_written(self, keys: Collection[str]) -> None:
        self.written.append({*keys})

    def writer(self, store: Store, late: float = 0.04) -> Writer:
        return Writer(store, on_refused=self.refused.append, on_written=self.on_written, late=late)


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Store]:
    store = open_store(f"sqlite:///{tmp_path}/runs.db")
    await store.open()
    yield store
    await store.close()


async def _until(met: object, limit: float = 10.0) -> None:
    assert callable(met)
    async with asyncio.timeout(limit):
        while not met():
            await asyncio.sleep(0.002)


async def test_what_all_runs_say_is_collected_once_and_written_at_once(kept: Store) -> None:
    told = Told()
    writer = told.writer(kept)
    runs = [await kept.begin(a_run()) for _ in range(3)]
    asked: list[str] = []

    def collect(key: str) -> Sequence[Write]:
        asked.append(key)
        return [append(key, 0, "a")]

    collects = [lambda key=run.key: collect(key) for run in runs]
    for one in collects * 3:
        writer.soon(one)
    writer.put([append(runs[0].key, 1, "b")])
    assert asked == []
    assert writer.pending_bytes > 0
    await _until(lambda: told.written)
    assert asked == [run.key for run in runs]
    assert told.written == [{run.key for run in runs}]
    assert [await events(kept, run.key) for run in runs] == [["a", "b"], ["a"], ["a"]]
    assert writer.pending_bytes == 0
    assert not writer.failing
    await writer.close()


async def test_nothing_waits_for_longer_than_is_allowed(kept: Store) -> None:
    """At best, that is: the machine may be busy."""
    told = Told()
    writer = told.writer(kept)
    run = await kept.begin(a_run())
    took = []
    for number in range(20):
        before = len(told.written)
        start = time.monotonic()
        writer.soon(lambda number=number: [append(run.key, number, "a")])  # type: ignore[misc]
        await _until(lambda before=before: len(told.written) > before)
        took.append(time.monotonic() - start)
    assert 0.03 < min(took) < 0.05
    await writer.close()


async def test_what_is_said_while_a_transaction_is_slow_goes_into_the_next(kept: Store, tmp_path: Path) -> None:
    told = Told()
    writer = told.writer(kept)
    run = await kept.begin(a_run())
    with contextlib.closing(sqlite3.connect(tmp_path / "runs.db", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        writer.put([append(run.key, 0, "a")])
        await asyncio.sleep(0.1)
        for number in range(1, 21):
            writer.put([append(run.key, number, "b")])
            await asyncio.sleep(0.01)
        assert told.written == []
        holder.execute("ROLLBACK")
    await writer.flush()
    assert len(told.written) == 2
    assert len(await events(kept, run.key)) == 21
    await writer.close()


async def test_what_is_taken_while_a_transaction_hangs_is_written_after_it(
    kept: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mserve.store.writer._PATIENCE", 0.02)
    told = Told()
    writer = told.writer(kept)
    run = await kept.begin(a_run())
    collected = asyncio.Event()

    def collect() -> Sequence[Write]:
        collected.set()
        return [append(run.key, 1, "b")]

    with contextlib.closing(sqlite3.connect(tmp_path / "runs.db", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        writer.put([append(run.key, 0, "a")])
        await asyncio.sleep(0.1)
        writer.soon(collect)
        await collected.wait()
        holder.execute("ROLLBACK")
    await _until(lambda: len(told.written) == 2)
    assert await events(kept, run.key) == ["a", "b"]
    await writer.close()


async def test_a_flush_waits_for_what_was_asked_for_before_it(kept: Store) -> None:
    told = Told()
    writer = told.writer(kept, late=60)
    await writer.flush()
    run = await kept.begin(a_run())
    for number in range(3):
        writer.soon(lambda number=number: [append(run.key, number, "a")])  # type: ignore[misc]
        await asyncio.gather(writer.flush(), writer.flush())
        assert len(await events(kept, run.key)) == number + 1
    writer.soon(list)
    await writer.flush()
    assert len(told.written) == 3
    await writer.close()


async def test_a_run_that_others_have_ended_is_told_once_and_written_no_more(kept: Store) -> None:
    told = Told()
    writer = told.writer(kept, late=0.01)
    ended, going = [await kept.begin(a_run()) for _ in range(2)]
    await kept.write([End(ended.key, "cancelled", 5)])
    writer.put([append(ended.key, 0, "a"), append(going.key, 0, "b")])
    await writer.flush()
    assert (told.refused, told.written) == ([ended.key], [{going.key}])
    assert await events(kept, ended.key) == []
    await writer.close()


async def test_it_outlives_whatever_goes_wrong_around_it(kept: Store, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_given: object = None) -> Sequence[Write]:
        raise ZeroDivisionError("broken")

    run, ended = [await kept.begin(a_run()) for _ in range(2)]
    await kept.write([End(ended.key, "failed", 5)])
    writer = Writer(kept, on_refused=fail, on_written=fail, late=0.01)  # type: ignore[arg-type]
    writer.soon(fail)
    writer.put([append(run.key, 0, "a"), append(ended.key, 0, "a"), append("none", 0, "a")])
    await writer.flush()
    writer.put([append(run.key, 1, "b")])
    await writer.flush()
    assert await events(kept, run.key) == ["a", "b"]
    assert len([record for record in caplog.records if record.exc_info]) == 1 + 1 + 2 + 1
    await writer.close()


class Stumbling(SqlStore):
    """A store that has a fault of its own, now and then."""

    faults: tuple[Exception | None, ...] = ()

    async def write(self, writes: Sequence[Write]) -> set[str]:
        fault, *rest = self.faults or (None,)
        self.faults = tuple(rest)
        if fault is not None:
            raise fault
        return await super().write(writes)


async def test_a_fault_of_the_stores_own_code_is_one_traceback_and_no_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = Stumbling(make_url(f"sqlite:///{tmp_path}/runs.db"))
    await store.open()
    run = await store.begin(a_run())
    store.faults = (ZeroDivisionError("broken"), StoreError("full"), ZeroDivisionError("broken"))
    told = Told()
    writer = told.writer(store)
    writer.put([append(run.key, 0, "a")])
    writer.put([append(run.key, 1, "b")])
    await _until(lambda: writer.failing)
    assert writer.pending_bytes > 200
    await writer.flush()
    assert await events(store, run.key) == ["a", "b"]
    assert not writer.failing
    first, last = caplog.records
    assert first.exc_info
    assert (first.levelno, last.levelno) == (logging.ERROR, logging.WARNING)
    assert told.written == [{run.key}]
    await writer.close()
    await store.close()


async def test_closing_writes_what_there_is_and_nothing_after_it(kept: Store) -> None:
    told = Told()
    writer = told.writer(kept, late=60)
    run = await kept.begin(a_run())
    writer.put([append(run.key, 0, "a")])
    await writer.close()
    assert await events(kept, run.key) == ["a"]
    writer.put([append(run.key, 1, "b")])
    writer.soon(lambda: [append(run.key, 1, "b")])
    await writer.flush()
    await writer.close()
    assert await events(kept, run.key) == ["a"]
    await Told().writer(kept).close()
    assert "mserve store" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_closing_does_not_wait_for_a_store_that_is_away(
    kept: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("mserve.store.writer._CLOSING", 0.2)
    writer = Told().writer(kept)
    runs = [await kept.begin(a_run()) for _ in range(2)]
    with contextlib.closing(sqlite3.connect(tmp_path / "runs.db", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        writer.put([append(runs[0].key, 0, "a")])
        await asyncio.sleep(0.1)
        writer.put([append(runs[1].key, 0, "a")])
        waiting = [asyncio.ensure_future(writer.flush()) for _ in range(2)]
        await asyncio.sleep(0)
        impatient = waiting.pop()
        impatient.cancel()
        start = time.monotonic()
        await writer.close()
        assert time.monotonic() - start < 2
        await asyncio.gather(*waiting)
        writer.put([append(runs[0].key, 1, "b")])
    assert [record.getMessage() for record in caplog.records] == [
        "The store took nothing to the end: the last words of 2 runs are lost"
    ]
