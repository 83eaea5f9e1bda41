import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from mserve.store.base import Append, End, Store, StoreError, Write
from mserve.store.opening import open_store
from mserve.store.writer import Writer
from postgres import Postgres
from store import disk
from store.stored import a_run, append, events

BLOCK = "x" * 64 * 1024


class Following:
    """A writer, and what it told."""

    def __init__(self, store: Store, **options: int) -> None:
        self.refused: list[str] = []
        self.written: list[set[str]] = []
        self.writer = Writer(
            store, on_refused=self.refused.append, on_written=lambda keys: self.written.append({*keys}), **options
        )

    async def failing(self, *, wanted: bool = True) -> None:
        async with asyncio.timeout(20):
            while self.writer.failing is not wanted:
                await asyncio.sleep(0.01)


class Speaker:
    """A run that says one number after another."""

    def __init__(self, key: str, writer: Writer, block: str = "") -> None:
        self.key, self.said, self._new = key, list[str](), list[str]()
        self._writer, self._block = writer, block

    def say(self) -> None:
        self._new.append(f"{len(self.said) + len(self._new)} {self._block}")
        self._writer.soon(self.collect)

    def collect(self) -> Sequence[Append]:
        first, new = len(self.said), self._new
        self.said, self._new = self.said + new, []
        return [append(self.key, first, *new)] if new else []


async def test_a_full_disk_is_told_and_loses_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with disk.small(tmp_path / "small") as make_room:
        store = open_store(f"sqlite:///{tmp_path}/small/runs.db")
        await store.open()
        run = await store.begin(a_run())
        follows = Following(store)
        speaker = Speaker(run.key, follows.writer, BLOCK)
        while not follows.writer.failing:
            assert len(speaker.said) < 1000
            speaker.say()
            await asyncio.sleep(0.02)
        with pytest.raises(StoreError, match=r"runs\.db: (database or disk is full|disk I/O error)"):
            await _fill(store)
        assert (await store.run(run.key, "alice")) == run  # what is there is read all the same
        speaker.say()
        make_room()
        follows.writer.put([End(run.key, "completed", 5)])
        await follows.writer.flush()
        assert await events(store, run.key) == speaker.said
        assert (await store.news([run.key]))[run.key].status == "completed"
        assert follows.refused == []
        assert not follows.writer.failing
        assert follows.writer.pending_bytes == 0
        await follows.writer.close()
        await store.close()
    told = [record.levelno for record in caplog.records if record.name == "mserve"]
    assert told == [logging.ERROR, logging.WARNING]


async def test_a_database_that_goes_away_and_comes_back_loses_and_doubles_nothing(
    postgresql: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    store = open_store(postgresql.empty())
    await store.open()
    follows = Following(store)
    speakers = [Speaker((await store.begin(a_run())).key, follows.writer) for _ in range(5)]
    cuts = 3
    for cut in range(cuts):
        for turn in range(60):
            for speaker in speakers:
                speaker.say()
            await asyncio.sleep(0.003)
            if turn == 20 + cut:  # in the middle of a transaction or not
                await asyncio.to_thread(postgresql.stop)
        await follows.failing()
        with pytest.raises(StoreError, match="the store postgres at "):
            await store.begin(a_run())
        with pytest.raises(StoreError, match="the store postgres at "):
            await store.news(["none"])
        await asyncio.to_thread(postgresql.start)
        await follows.failing(wanted=False)
    follows.writer.put([End(speaker.key, "completed", 5) for speaker in speakers])
    await follows.writer.close()
    for speaker in speakers:
        assert len(speaker.said) == cuts * 60
        assert await events(store, speaker.key) == speaker.said
    assert follows.refused == []
    assert await store.begin(run := a_run()) == run
    await store.close()
    assert [record.levelno for record in caplog.records if record.name == "mserve"] == cuts * [
        logging.ERROR,
        logging.WARNING,
    ]


async def test_a_transaction_of_which_nobody_was_told_is_written_once(postgresql: Postgres) -> None:
    """The database is gone between the commit and its answer, which a second time shows."""
    store = open_store(postgresql.empty())
    await store.open()
    run = await store.begin(a_run())
    writes: list[Write] = [append(run.key, 0, "a"), End(run.key, "completed", 5)]
    await store.write(writes)
    postgresql.stop()
    postgresql.start()
    follows = Following(store)
    follows.writer.put(writes)
    await follows.writer.close()
    assert (follows.refused, follows.written) == ([], [{run.key}])
    assert await events(store, run.key) == ["a"]
    await store.close()


async def test_a_file_that_another_process_holds_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mserve.store.sqlite._BUSY", 0.1)
    store = open_store(f"sqlite:///{tmp_path}/runs.db")
    await store.open()
    run = await store.begin(a_run())
    with _held(tmp_path / "runs.db"):
        with pytest.raises(StoreError, match=r"runs\.db: database is locked"):
            await store.begin(a_run())
        assert await store.run(run.key, None) == run
    assert await store.begin(other := a_run()) == other
    await store.close()


async def test_a_file_that_is_held_while_it_is_made_is_waited_for(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/runs.db")
    with _held(tmp_path / "runs.db"):
        opening = asyncio.ensure_future(store.open())
        await asyncio.sleep(0.2)
        assert not opening.done()
    await opening
    assert await store.begin(run := a_run()) == run
    await store.close()


async def test_a_file_that_is_held_for_too_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mserve.store.sqlite._BUSY", 0.1)
    store = open_store(f"sqlite:///{tmp_path}/runs.db")
    with _held(tmp_path / "runs.db"), pytest.raises(StoreError, match=r"runs\.db: database is locked"):
        await store.open()
    await store.close()


@contextlib.contextmanager
def _held(file: Path) -> Iterator[None]:
    """Let another connection alone write to a file."""
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        yield
        holder.execute("ROLLBACK")


async def test_who_leaves_in_the_middle_holds_nobody_up(store: Store) -> None:
    run = await store.begin(a_run())
    for number in range(40):
        task = asyncio.ensure_future(store.write([append(run.key, number, "a")]))
        await asyncio.sleep(0.0002 * (number % 10))
        task.cancel()
        await asyncio.wait([task])
    async with asyncio.timeout(4):
        assert await store.write([End(run.key, "completed", 5)]) == set()


async def test_what_goes_on_is_done_before_the_store_is_closed(url: str) -> None:
    store = open_store(url)
    await store.open()
    run = await store.begin(a_run())
    task = asyncio.ensure_future(store.write([append(run.key, 0, "a"), End(run.key, "completed", 5)]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await store.close()
    assert await task == set()
    store = open_store(url)
    await store.open()
    assert await events(store, run.key) == ["a"]
    await store.close()


async def test_a_store_that_takes_nothing_for_too_long_costs_its_oldest_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mserve.store.sqlite._BUSY", 0.05)
    store = open_store(f"sqlite:///{tmp_path}/runs.db")
    await store.open()
    old, young = [await store.begin(a_run()) for _ in range(2)]
    follows = Following(store, most_bytes=200_000)
    await _say(follows.writer, Speaker(old.key, follows.writer), 1)
    await follows.writer.flush()
    with _held(tmp_path / "runs.db"):
        follows.writer.put([append(old.key, 1, BLOCK)])
        await follows.failing()
        follows.writer.put([append(old.key, 2, BLOCK), append(young.key, 0, BLOCK), append(young.key, 1, BLOCK)])
        async with asyncio.timeout(20):
            while follows.refused != [old.key]:
                await asyncio.sleep(0.01)
        assert follows.writer.pending_bytes < 200_000
        follows.writer.put([append(old.key, 3, "lost"), End(old.key, "completed", 5)])
    await follows.writer.flush()
    assert await events(store, old.key) == ["0 "]
    news = await store.news([old.key, young.key])
    assert (news[old.key].status, news[young.key].status) == ("failed", "active")
    assert abs((news[old.key].ended or 0) - time.time()) < 30
    assert await events(store, young.key) == [BLOCK, BLOCK]
    assert follows.refused == [old.key]
    await follows.writer.close()
    await store.close()


async def _fill(store: Store) -> None:
    for _ in range(1000):
        await store.begin(a_run(body=BLOCK.encode()))


async def _say(writer: Writer, speaker: Speaker, times: int) -> None:
    for _ in range(times):
        speaker.say()
    await writer.flush()
