import asyncio
import time

from mserve.store.base import End, Store, StoredConversation, StoredItem
from store.conftest import Sql
from store.stored import a_run

ODD = {"text": "a\0b\u2028😀", "number": 10**30, "list": [None, True, 1.5, {"": []}]}


def _talk(key: str = "c", owner: str = "alice", **metadata: str) -> StoredConversation:
    return StoredConversation(key=key, owner=owner, created=5, metadata=metadata)


def _items(*ids: str) -> list[StoredItem]:
    return [StoredItem(one, {"id": one}) for one in ids]


async def test_a_conversation_is_found_as_it_was_made(store: Store, other: Store) -> None:
    talk = _talk(topic="a\0b")
    await store.make_conversation(talk, [StoredItem("odd", ODD), *_items("a")])
    assert await other.conversation("c", "alice") == talk
    assert await other.items("c") == [StoredItem("odd", ODD), *_items("a")]
    await store.make_conversation(_talk("empty"), [])
    assert await other.items("empty") == []


async def test_nobody_but_its_owner_sees_a_conversation(store: Store) -> None:
    await store.make_conversation(_talk(), _items("a"))
    for stranger in ("bob", ""):
        assert await store.conversation("c", stranger) is None
        assert not await store.update_conversation("c", stranger, {"a": "b"})
        assert not await store.delete_conversation("c", stranger)
    assert await store.conversation("c", "alice") == _talk()


async def test_what_is_noted_on_a_conversation_is_replaced(store: Store) -> None:
    await store.make_conversation(_talk(a="1", b="2"), [])
    assert await store.update_conversation("c", "alice", {"b": "3"})
    assert await store.conversation("c", "alice") == _talk(b="3")
    assert not await store.update_conversation("none", "alice", {})


async def test_items_are_given_in_the_order_in_which_they_came(store: Store, other: Store) -> None:
    await store.make_conversation(_talk(), _items("z"))
    await other.add_items("c", _items("y", "x"))
    await store.add_items("c", _items("w"))
    assert await store.items("c") == _items("z", "y", "x", "w")
    assert await store.delete_item("c", "y")
    assert not await store.delete_item("c", "y")
    assert not await store.delete_item("none", "z")
    await store.add_items("c", _items("y"))
    assert await store.items("c") == _items("z", "x", "w", "y")


async def test_items_that_are_added_at_once_are_all_there_and_each_portion_stays_together(
    store: Store, other: Store
) -> None:
    await store.make_conversation(_talk(), [])
    portions = [_items(*(f"{number}-{one}" for one in range(5))) for number in range(20)]
    await asyncio.gather(
        *(where.add_items("c", some) for some, where in zip(portions, [store, other] * 10, strict=True))
    )
    items = await store.items("c")
    assert sorted([items[start : start + 5] for start in range(0, 100, 5)], key=str) == sorted(portions, key=str)


async def test_an_item_that_is_added_again_is_there_once(store: Store) -> None:
    await store.make_conversation(_talk(), _items("a"))
    await store.make_conversation(_talk("d"), _items("a"))
    await store.add_items("c", _items("a", "b"))
    assert await store.items("c") == _items("a", "b")
    assert await store.items("d") == _items("a")


async def test_a_conversation_that_is_gone_takes_nothing(store: Store) -> None:
    await store.make_conversation(_talk(), _items("a"))
    run = await store.begin(a_run(conversation="c"))
    assert await store.delete_conversation("c", "alice")
    assert not await store.delete_conversation("c", "alice")
    await store.add_items("c", _items("b"))
    assert await store.items("c") == []
    assert await store.run(run.key, "alice") == run
    await store.write([End(run.key, "completed", 5)])


async def test_what_touches_a_conversation_keeps_it(store: Store, sql: Sql) -> None:
    now = int(time.time())
    for key in ("idle", "noted", "added"):
        await store.make_conversation(_talk(key), [])
    await sql("UPDATE mserve_conversations SET touched = 1")
    await store.update_conversation("noted", "alice", {})
    await store.add_items("added", [])
    await store.prune(before=now - 1)
    assert await sql("SELECT key FROM mserve_conversations ORDER BY key") == [("added",), ("noted",)]


async def test_two_processes_that_add_to_the_same_conversations_do_not_wait_for_each_other(
    store: Store, other: Store
) -> None:
    for key in ("a", "b"):
        await store.make_conversation(_talk(key), [])
    for turn in range(20):
        runs = [(await store.begin(a_run())).key for _ in range(4)]

        def ends(keys: list[str], *talks: str, turn: int = turn) -> list[End]:
            names = [[f"{key}{turn}-{number}" for number in range(20)] for key in keys]
            return [
                End(key, "completed", 1, talk, tuple(_items(*ids)))
                for key, talk, ids in zip(keys, talks, names, strict=True)
            ]

        await asyncio.gather(store.write(ends(runs[:2], "a", "b")), other.write(ends(runs[2:], "b", "a")))
    assert len(await store.items("a")) == len(await store.items("b")) == 20 * 2 * 20
