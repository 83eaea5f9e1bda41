import asyncio

import msgspec
import pytest

from mserve.store.base import End, News, Status, Store, StoreError, Write
from store.stored import a_run, append, events

ODD = "a\0b\ud800c\U0001f600\x85"

MANY = 2**40


async def test_a_run_is_found_as_it_was_kept(store: Store, other: Store) -> None:
    plain = a_run()
    whole = a_run(
        previous=plain.key, conversation="c", idempotency_key="i", fingerprint=b"\0\xff", body=bytes(range(256)) * 99
    )
    for run in (plain, whole):
        assert await store.begin(run) == run
        assert await store.run(run.key, run.owner) == run
        assert await other.run(run.key, None) == run


async def test_nobody_but_its_owner_sees_a_run(store: Store) -> None:
    run, nobodys = a_run(idempotency_key="i"), a_run(owner="")
    await store.begin(run)
    await store.begin(nobodys)
    for stranger in ("bob", "", "ALICE", "alice "):
        assert await store.run(run.key, stranger) is None
        assert await store.history(run.key, stranger, MANY) == []
        assert not await store.delete(run.key, stranger)
    assert await store.run(nobodys.key, "alice") is None
    assert await store.run(run.key, "alice") == run
    theirs = a_run(owner="bob", idempotency_key="i")
    assert await store.begin(theirs) == theirs


async def test_words_that_a_database_cannot_hold_are_kept_as_well_as_can_be(store: Store) -> None:
    run = a_run(model=ODD)
    await store.begin(run)
    kept = await store.run(run.key, "alice")
    assert kept == msgspec.structs.replace(run, model="a\ufffdb\ufffdc\U0001f600\x85")


@pytest.mark.parametrize("key", [ODD, "", "'; --", "x" * 100_000])
async def test_a_key_that_no_run_has_is_no_error(store: Store, key: str) -> None:
    assert await store.run(key, "alice") is None
    assert await store.news([key]) == {}
    assert await store.batches(key, 0, 10) == []
    assert not await store.delete(key, None)
    assert await store.write([append(key, 0, "a")]) == {key}
    await store.ask_to_cancel(key)


async def test_two_runs_never_share_a_key(store: Store) -> None:
    run = a_run()
    await store.begin(run)
    with pytest.raises(StoreError):
        await store.begin(a_run(run.key, owner="bob"))
    assert await store.run(run.key, None) == run


async def test_one_idempotency_key_of_one_owner_is_one_run(store: Store, other: Store) -> None:
    first = await store.begin(a_run(idempotency_key="i", fingerprint=b"f"))
    assert await other.begin(a_run(idempotency_key="i", fingerprint=b"g")) == first
    begun = await asyncio.gather(
        *[where.begin(a_run(idempotency_key="j")) for _ in range(50) for where in (store, other)]
    )
    assert len({run.key for run in begun}) == 1
    assert len(await store.runs(1000)) == 2
    await store.delete(first.key, "alice")
    again = a_run(idempotency_key="i")
    assert await store.begin(again) == again


async def test_a_history_begins_with_the_oldest(store: Store) -> None:
    keys = [(await store.begin(a_run(previous=None))).key]
    for _ in range(30):
        keys.append((await store.begin(a_run(previous=keys[-1]))).key)
    await store.begin(a_run(previous=keys[3]))  # another way on
    assert [run.key for run in await store.history(keys[-1], "alice", MANY)] == keys
    assert [run.key for run in await store.history(keys[0], "alice", MANY)] == keys[:1]
    await store.delete(keys[10], "alice")
    assert [run.key for run in await store.history(keys[-1], "alice", MANY)] == keys[11:]


async def test_a_history_ends_where_it_is_too_much(store: Store) -> None:
    keys: list[str] = []
    for _ in range(10):
        run = await store.begin(a_run(previous=keys[-1] if keys else None, body=b"x" * 1000))
        assert await store.write([End(run.key, "completed", 1)]) == set()
        keys.append(run.key)
    assert [run.key for run in await store.history(keys[-1], "alice", 3500)] == keys[-4:]
    assert [run.key for run in await store.history(keys[-1], "alice", 10_000)] == keys


async def test_a_history_ends_at_a_strangers_run(store: Store) -> None:
    theirs = await store.begin(a_run(owner="bob"))
    ours = await store.begin(a_run(previous=theirs.key))
    assert await store.history(ours.key, "alice", MANY) == [ours]


async def test_what_a_run_says_is_read_from_anywhere(store: Store, other: Store) -> None:
    run, quiet = await store.begin(a_run()), await store.begin(a_run())
    assert await store.write([append(run.key, 0, "a", "b"), append(run.key, 2, "c")]) == set()
    assert await store.write([append(run.key, 3, "d", "e", "f")]) == set()
    assert await events(other, run.key) == ["a", "b", "c", "d", "e", "f"]
    begins = [[batch.first for batch in await other.batches(run.key, first, 10)] for first in (*range(7), 10**30)]
    assert begins == [[0, 2, 3], [0, 2, 3], [2, 3], [3], [3], [3], [], []]
    assert [batch.first for batch in await other.batches(run.key, 1, 2)] == [0, 2]
    assert await other.news([run.key, quiet.key, "none"]) == {
        run.key: News(6, "active", None),
        quiet.key: News(0, "active", None),
    }


async def test_the_news_of_many_runs_are_told_at_once(store: Store) -> None:
    keys = [(await store.begin(a_run())).key for _ in range(5)]
    wanted = [*keys, *(f"none-{number}" for number in range(40_000))]  # more than a query can name
    assert set(await store.news(wanted)) == set(keys)
    assert await store.write([append(key, 0, "a") for key in wanted]) == set(wanted) - set(keys)


async def test_events_come_before_the_end_that_is_written_with_them(store: Store) -> None:
    run = await store.begin(a_run())
    assert await store.write([End(run.key, "completed", 77), append(run.key, 0, "a")]) == set()
    assert await events(store, run.key) == ["a"]
    assert await store.news([run.key]) == {run.key: News(1, "completed", 77)}
    ended = await store.run(run.key, "alice")
    assert ended == msgspec.structs.replace(run, status="completed", ended=77)


@pytest.mark.parametrize("how", ["completed", "failed", "cancelled"])
async def test_a_run_that_has_ended_takes_nothing_more(store: Store, other: Store, how: Status) -> None:
    run, going = await store.begin(a_run()), await store.begin(a_run())
    await store.write([append(run.key, 0, "a"), End(run.key, how, 5)])
    writes: list[Write] = [append(run.key, 1, "b"), append(going.key, 0, "c"), End(run.key, "failed", 6)]
    assert await other.write(writes) == {run.key}
    assert await events(store, run.key) == ["a"]
    assert await events(store, going.key) == ["c"]
    assert await store.news([run.key]) == {run.key: News(1, how, 5)}


async def test_what_is_written_twice_is_there_once(store: Store) -> None:
    run = await store.begin(a_run())
    first: list[Write] = [append(run.key, 0, "a")]
    last: list[Write] = [append(run.key, 1, "b"), End(run.key, "completed", 5)]
    for writes in (first, first, last, last):
        assert await store.write(writes) == set()
    assert await events(store, run.key) == ["a", "b"]


async def test_nothing_is_written_where_nothing_is_to_be(store: Store) -> None:
    assert await store.write([]) == set()


async def test_all_or_nothing_is_written(store: Store) -> None:
    run = await store.begin(a_run())
    with pytest.raises(StoreError):
        await store.write([append(run.key, 0, "a"), End(run.key, None, 5)])  # type: ignore[arg-type]  # refused by both
    assert await events(store, run.key) == []
    assert await store.write([append(run.key, 0, "b")]) == set()


async def test_a_run_is_forgotten_with_all_that_it_said(store: Store) -> None:
    run = await store.begin(a_run())
    await store.write([append(run.key, 0, "a")])
    assert await store.delete(run.key, "alice")
    assert not await store.delete(run.key, "alice")
    assert await store.run(run.key, None) is None
    assert await store.batches(run.key, 0, 10) == []
    assert await store.write([append(run.key, 1, "b")]) == {run.key}
    await store.begin(run)
    assert await events(store, run.key) == []


async def test_the_newest_runs_are_listed_without_their_bodies(store: Store) -> None:
    runs = [await store.begin(a_run(owner=owner)) for owner in ("alice", "bob", "", "alice")]
    await store.write([End(runs[1].key, "failed", 5), End(runs[2].key, "completed", 6)])
    listed = await store.runs(3)
    assert [run.key for run in listed] == [run.key for run in reversed(runs[1:])]
    assert all(run.body == b"" for run in listed)
    assert [run.key for run in await store.runs(10, status="active")] == [runs[3].key, runs[0].key]
    (failed,) = await store.runs(10, status="failed")
    assert failed == msgspec.structs.replace(runs[1], status="failed", ended=5, body=b"")
