import asyncio
import os
import subprocess
import sys
import time

import pytest

from mserve.store.base import End, News, Store, Worker
from mserve.store.place import host, this_worker
from store.stored import a_run, append

SILENT = 30.0


async def test_a_worker_is_told_of_its_runs_that_nobody_wants(store: Store, other: Store) -> None:
    worker, neighbour = Worker("w", "h", 1), Worker("n", "h", 2)
    mine, kept, ended = [await store.begin(a_run(worker="w")) for _ in range(3)]
    theirs = await store.begin(a_run(worker="n"))
    await store.write([End(ended.key, "completed", 5)])
    assert await store.beat(worker) == [ended.key]  # nobody had said yet who writes
    assert await store.beat(worker) == []
    for key in (mine.key, theirs.key, ended.key, "none"):
        await other.ask_to_cancel(key)
    assert await store.beat(worker) == [mine.key]
    assert await store.beat(worker) == [mine.key]  # it may not have heard it
    assert await other.beat(neighbour) == [theirs.key]
    await store.write([End(mine.key, "cancelled", 6)])
    assert await store.beat(worker) == []
    assert await store.news([kept.key]) == {kept.key: News(0, "active", None)}


async def test_a_worker_is_told_of_its_runs_that_others_have_ended(store: Store, other: Store) -> None:
    worker, neighbour = Worker("w", "h", 1), Worker("n", "h", 2)
    run = await store.begin(a_run(worker="w"))
    await store.beat(worker)
    await other.beat(neighbour)
    await other.write([End(run.key, "failed", 5)])
    assert await store.write([append(run.key, 0, "late")]) == {run.key}
    assert await store.beat(worker) == [run.key]
    assert await store.beat(worker) == []


async def test_a_silent_worker_somewhere_else_is_dead_after_a_time(store: Store, other: Store) -> None:
    far, here = Worker("far", "another host", os.getpid()), this_worker()
    run = await store.begin(a_run(worker="far"))
    await store.begin(a_run(worker=here.name))
    await store.write([End((await store.begin(a_run(worker="far"))).key, "completed", 5)])
    await store.beat(far)
    beaten = time.monotonic()
    assert await other.orphans(here, SILENT) == []
    assert await other.orphans(far, 0.0) != [run]  # never one's own
    while not (found := await other.orphans(here, 0.3)):
        assert time.monotonic() - beaten < 5
        await asyncio.sleep(0.02)
    assert found == [run]
    assert time.monotonic() - beaten > 0.2
    await store.beat(far)
    assert await other.orphans(here, 5) == []


async def test_a_worker_that_has_never_beaten_is_dead_a_time_after_it_began_a_run(store: Store) -> None:
    now = int(time.time())
    old, new = a_run(worker="old", created=now - 100), a_run(worker="new", created=now)
    for run in (old, new):
        await store.begin(run)
    assert await store.orphans(this_worker(), SILENT) == [old]


async def test_a_process_of_this_host_that_is_gone_is_found_at_once(store: Store) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        worker = Worker("gone", host(), process.pid)
        run = await store.begin(a_run(worker=worker.name))
        await store.beat(worker)
        assert await store.orphans(this_worker(), SILENT) == []
        process.kill()
    assert await store.orphans(this_worker(), SILENT) == [run]
    await store.beat(Worker("elsewhere", "another host", worker.pid))
    await store.begin(a_run(worker="elsewhere"))
    assert await store.orphans(this_worker(), SILENT) == [run]


async def test_the_orphans_of_many_workers_are_given_at_once(store: Store) -> None:
    runs = [await store.begin(a_run(worker=f"w{number}", created=1)) for number in range(20)]
    assert await store.orphans(this_worker(), SILENT) == runs


@pytest.mark.parametrize("wanted", [True, False])
async def test_two_workers_of_one_process_do_not_take_each_other_for_dead(store: Store, wanted: bool) -> None:
    one, two = this_worker(), this_worker()
    assert (one.host, one.pid) == (two.host, two.pid)
    assert one.name != two.name
    await store.beat(one)
    run = await store.begin(a_run(worker=one.name))
    assert await store.orphans(two, SILENT if wanted else -1.0) == ([] if wanted else [run])
