import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mserve.store.base import Store, Worker
from mserve.store.place import this_worker
from store.stored import a_run, events

BEGINNING = """
import asyncio, sys
from mserve.store.opening import open_store
from store.stored import a_run

async def main():
    store = open_store(sys.argv[1])
    await store.open()
    print("ready", flush=True)
    input()
    runs = [store.begin(a_run(f"{sys.argv[2]}-{number}", idempotency_key="one")) for number in range(25)]
    print(*{run.key for run in await asyncio.gather(*runs)})
    await store.close()

asyncio.run(main())
"""
WRITING = """
import asyncio, sys
from mserve.store.base import Append
from mserve.store.opening import open_store
from mserve.store.place import this_worker
from mserve.store.writer import Writer
from store.stored import a_run, append

async def main():
    store = open_store(sys.argv[1])
    await store.open()
    worker = this_worker()
    await store.beat(worker)
    count, write = int(sys.argv[3]), store.write

    async def write_and_tell(writes):
        try:
            assert not await write(writes)
        except Exception as error:
            print("fault", error)
            raise
        print("written", *(f"{one.key}:{one.batch.first}" for one in writes), flush=True)
        return set()

    store.write = write_and_tell
    writer = Writer(store, on_refused=print, on_written=lambda keys: None, late=0.005)
    said, sent = {}, {}

    def collect():
        writes = []
        for key in said:
            writes.append(append(key, sent[key], *map(str, range(sent[key], said[key]))))
            sent[key] = said[key]
        return writes

    for number in range(5):
        run = await store.begin(a_run(f"{sys.argv[2]}-{number}", worker=worker.name))
        said[run.key] = sent[run.key] = 0
    print("ready", flush=True)
    for _ in range(count):
        for key in said:
            said[key] += 1
        writer.soon(collect)
        await asyncio.sleep(0.001)
    await writer.close()
    await store.close()

asyncio.run(main())
"""


class Process:
    """A process that uses the store."""

    def __init__(self, code: str, *arguments: str) -> None:
        paths = [os.environ.get("PYTHONPATH"), str(Path(__file__).parent.parent)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
        self._process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip

    def line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def end(self, how: int | None = None) -> str:
        """Let it end, or kill it, and give what else it said."""
        if how is not None:
            self._process.send_signal(how)
        said = self._process.communicate(None if how else "\n", 30)[0]
        assert self._process.returncode == (-how if how else 0)
        return said


async def test_a_hundred_begins_of_several_processes_with_one_idempotency_key_are_one_run(
    url: str, store: Store
) -> None:
    processes = [Process(BEGINNING, url, str(number)) for number in range(4)]
    for process in processes:
        assert process.line() == "ready\n"
    keys = {key for process in processes for key in process.end().split()}
    assert len(keys) == 1
    assert [run.key for run in await store.runs(100)] == [*keys]


async def test_two_processes_write_at_once(url: str, store: Store) -> None:
    processes = [Process(WRITING, url, name, "300") for name in ("a", "b")]
    for process in processes:
        assert "fault" not in process.end()
    for key in (f"{name}-{number}" for name in ("a", "b") for number in range(5)):
        assert await events(store, key) == [str(number) for number in range(300)]


@pytest.mark.parametrize("moment", range(3))
async def test_what_a_killed_process_had_written_is_there_without_a_gap(url: str, store: Store, moment: int) -> None:
    process = Process(WRITING, url, "killed", "1000000")
    assert process.line() == "ready\n"
    told = "".join(process.line() for _ in range(10 + 7 * moment)) + process.end(signal.SIGKILL)
    written = _written(told.rpartition("\n")[0])
    keys = [f"killed-{number}" for number in range(5)]
    for key in keys:
        said = await events(store, key)
        assert said == [str(number) for number in range(len(said))]
        assert len(said) > written[key] > 0
    assert {run.key for run in await store.orphans(this_worker(), 1000.0)} == {*keys}
    assert await store.begin(run := a_run()) == run
    assert await store.beat(Worker("w", "h", 1)) == []


def _written(told: str) -> dict[str, int]:
    """Give the first number of each run's last batch that was written for sure."""
    return {key: int(first) for key, first in re.findall(r"(\S+):(\d+)", told)}
