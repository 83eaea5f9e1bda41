import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from mserve.store.base import End, Store, StoredConversation, StoredItem, Worker
from mserve.store.opening import open_store
from store.conftest import Sql
from store.stored import a_run, append, events

KIB = "x" * 1024
DAY = 24 * 60 * 60


async def _ended(store: Store, at: int, kib: int = 1) -> str:
    run = await store.begin(a_run())
    await store.write([append(run.key, 0, *[KIB] * kib), End(run.key, "completed", at)])
    return run.key


async def _left(store: Store) -> set[str]:
    return {run.key for run in await store.runs(1000)}


async def test_what_ended_before_a_time_is_forgotten(store: Store) -> None:
    old, young = await _ended(store, 99), await _ended(store, 100)
    going = (await store.begin(a_run(created=1))).key
    assert await store.prune(before=100) == 1
    assert await _left(store) == {young, going}
    assert await store.batches(old, 0, 10) == []
    assert await store.prune(before=100) == 0


async def test_the_oldest_are_forgotten_until_the_rest_is_small_enough(store: Store) -> None:
    ages = [30, 10, 40, 20]
    keys = {age: await _ended(store, age, 10) for age in ages}
    assert await store.prune(most_bytes=10**6) == 0
    assert await store.prune(most_bytes=2 * 10 * 1100) == 2
    assert await _left(store) == {keys[30], keys[40]}
    assert await store.prune(most_bytes=0) == 2
    assert await store.prune() == 0


async def test_an_active_run_stays_and_counts(store: Store) -> None:
    going = await store.begin(a_run(created=1, body=b"x" * 5000))
    await store.write([append(going.key, 0, *[KIB] * 20)])
    ended = await _ended(store, 10)
    assert await store.prune(most_bytes=26_000 + 2000) == 0
    assert await store.prune(most_bytes=26_000) == 1
    assert await store.prune(before=2**40, most_bytes=0) == 0
    assert await _left(store) == {going.key}
    assert ended not in await _left(store)
    assert len(await events(store, going.key)) == 20


async def test_age_and_size_are_looked_at_together(store: Store) -> None:
    keys = [await _ended(store, at, 10) for at in (1, 2, 3, 4)]
    assert await store.prune(before=2, most_bytes=3 * 10 * 1100) == 1
    assert await store.prune(before=2, most_bytes=1 * 10 * 1100) == 2
    assert await _left(store) == {keys[3]}


async def test_many_runs_are_forgotten_in_portions(store: Store) -> None:
    keys = [(await store.begin(a_run())).key for _ in range(450)]
    await store.write([End(key, "completed", 5) for key in keys])
    assert await store.prune(before=6) == 450
    assert await _left(store) == set()


async def test_two_that_prune_at_once_count_each_run_once(store: Store, other: Store) -> None:
    for _ in range(20):
        await _ended(store, 5)
    assert sum(await asyncio.gather(store.prune(before=6), other.prune(before=6))) == 20


async def test_conversations_go_once_nobody_has_touched_them(store: Store) -> None:
    now = int(time.time())
    for key in ("idle", "going"):
        talk = StoredConversation(key=key, owner="alice", created=1, metadata={})
        await store.make_conversation(talk, [StoredItem("i", {"a": 1})])
    await store.begin(a_run(conversation="going"))
    await store.prune(before=now - 1)
    assert await store.conversation("idle", "alice") is not None
    await store.prune(most_bytes=0)
    assert await store.conversation("idle", "alice") is not None
    assert await store.prune(before=now + 10) == 0
    assert await store.conversation("idle", "alice") is None
    assert await store.items("idle") == []
    assert await store.conversation("going", "alice") is not None


async def test_workers_that_have_been_silent_for_long_are_forgotten(store: Store, sql: Sql) -> None:
    """One that still has a run is not: it is this run that says so."""
    for name in ("idle", "busy", "fresh"):
        await store.beat(Worker(name, "h", 1))
    await store.begin(a_run(worker="busy"))
    await sql(f"UPDATE mserve_workers SET seen = seen - {2 * DAY} WHERE name <> 'fresh'")
    await store.prune()
    assert await sql("SELECT name FROM mserve_workers ORDER BY name") == [("busy",), ("fresh",)]


async def test_a_file_becomes_small_again(tmp_path: Path) -> None:
    file = tmp_path / "runs.db"
    store = open_store(f"sqlite:///{file}")
    await store.open()
    for at in range(20):
        await _ended(store, at, 1024)
    before = file.stat().st_size + file.with_name("runs.db-wal").stat().st_size
    await store.prune(before=19)
    await store.close()
    assert before > 20 * 2**20
    assert file.stat().st_size < 8 * 2**20


async def test_a_file_that_was_restored_from_its_dump_stays_as_large_and_is_not_vacuumed_for_ever(
    tmp_path: Path,
) -> None:
    made, restored = tmp_path / "made.db", tmp_path / "runs.db"
    store = open_store(f"sqlite:///{made}")
    await store.open()
    for at in range(20):
        await _ended(store, at, 1024)
    await store.close()
    with closing(sqlite3.connect(made)) as old, closing(sqlite3.connect(restored)) as new:
        new.executescript("\n".join(old.iterdump()))  # which gives no page back, as ours does
    store = open_store(f"sqlite:///{restored}")
    await store.open()
    async with asyncio.timeout(30):
        assert await store.prune(before=19) == 19
    await store.close()
