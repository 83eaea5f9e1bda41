import asyncio
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mserve.store.base import Store, StoreError
from mserve.store.opening import default_url, open_store
from postgres import Postgres
from store.conftest import Sql
from store.stored import a_run

OPENING = """
import asyncio, sys
from mserve.store.opening import open_store
from store.stored import a_run

async def main():
    store = open_store(sys.argv[1])
    input()
    await store.open()
    await store.begin(a_run(sys.argv[2]))
    await store.close()

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://user:hush@host/db", "sqlite:///path or at postgresql://"),
        ("runs.db", "sqlite:////srv/runs.db, with four of them"),
        ("hush:/", "sqlite:////srv/runs.db, with four of them"),
        ("sqlite://", "a file"),
        ("sqlite:///", "a file"),
        ("sqlite:///:memory:", "a file"),
        ("sqlite://host/file", "a file"),
        ("postgresql://user:hush@host:many/db", "cannot be read"),
    ],
)
def test_an_address_that_is_none_of_a_store_is_refused_without_its_password(url: str, words: str) -> None:
    with pytest.raises(StoreError) as told:
        open_store(url)
    assert words in str(told.value)
    assert "hush" not in str(told.value)


def test_the_default_lies_among_the_users_data(tmp_path: Path) -> None:
    code = "from mserve.store.opening import default_url; print(default_url())"
    environment = os.environ | {"XDG_DATA_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == f"sqlite:///{tmp_path}/mserve/runs.db\n"
    assert default_url().startswith("sqlite:////")


def test_a_missing_driver_is_told_by_the_extra_that_has_it() -> None:
    code = """
import sys
sys.modules["asyncpg"] = None
from mserve.store.base import StoreError
from mserve.store.opening import open_store
try:
    open_store("postgresql://user:hush@host/db")
except StoreError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "a store in PostgreSQL needs a driver: pip install 'mserve[postgresql]'\n"


async def test_a_file_is_made_for_nobody_else_to_read(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    store = open_store(f"sqlite:///{folder}/runs.db")
    await store.open()
    await store.begin(a_run())
    files = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    assert files == dict.fromkeys(("runs.db", "runs.db-wal", "runs.db-shm"), 0o600)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    await store.close()
    assert [file.name for file in folder.iterdir()] == ["runs.db"]


async def test_what_was_kept_is_there_when_it_is_opened_again(url: str) -> None:
    run = a_run()
    for begin in (True, False):
        store = open_store(url)
        await store.open()
        assert await (store.begin(run) if begin else store.run(run.key, None)) == run
        await store.close()


async def test_many_processes_make_the_tables_at_once(url: str, sql: Sql) -> None:
    folder = str(Path(__file__).parent.parent)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), folder]))}
    processes = [
        subprocess.Popen([sys.executable, "-c", OPENING, url, f"k{number}"], stdin=subprocess.PIPE, env=environment)
        for number in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.close()
    assert [await asyncio.to_thread(process.wait) for process in processes] == [0] * 4
    assert await sql("SELECT key FROM mserve_runs ORDER BY key") == [("k0",), ("k1",), ("k2",), ("k3",)]
    assert await sql("SELECT version FROM mserve_version") == [(1,)]


async def test_tables_of_a_newer_version_are_not_touched(url: str, store: Store, sql: Sql) -> None:
    await sql("UPDATE mserve_version SET version = 2")
    await sql("DROP TABLE mserve_items")
    newer = open_store(url)
    with pytest.raises(StoreError, match="tables are of version 2, not 1"):
        await newer.open()
    await newer.close()
    assert await store.runs(1) == []
    with pytest.raises(StoreError, match="mserve_items"):
        await store.items("c")


async def test_a_place_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "other.db").write_bytes(b"no database" * 1000)
    for place, words in (("file/runs.db", "File exists"), ("other.db", "not a database"), ("", "unable to open")):
        store = open_store(f"sqlite:///{tmp_path}/{place}")
        with pytest.raises(StoreError, match=words):
            await store.open()
        await store.close()


async def test_a_database_that_is_not_there_is_told_without_a_password(postgresql: Postgres) -> None:
    postgresql.start()
    for url, words in (
        ("postgresql://postgres:hush@127.0.0.1:1/db", "(?i)connect"),
        (f"postgresql://postgres:hush@/none?host={postgresql.folder}&password=hush", '"none" does not exist'),
        (f"postgresql://nobody:hush@/postgres?host={postgresql.folder}", '"nobody" does not exist'),
        ("postgresql://postgres:hush@/db?host=/nowhere", "(?i)no such file"),
    ):
        store = open_store(url)
        with pytest.raises(StoreError, match=words) as told:
            await store.open()
        assert "hush" not in str(told.value)
        await store.close()
