"""Each test of the store runs on both databases."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from mserve.store.base import Store
from mserve.store.opening import open_store
from postgres import Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/folder/runs.db"
    server: Postgres = request.getfixturevalue("postgresql")
    return server.empty()


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = open_store(url)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def other(url: str) -> AsyncIterator[Store]:
    """The same store, as another process sees it."""
    other = open_store(url)
    await other.open()
    yield other
    await other.close()


Sql = Callable[[str], Awaitable[list[Any]]]


@pytest.fixture
def sql(url: str) -> Sql:
    """Ask the database itself, past the store."""

    async def ask(statement: str) -> list[Any]:
        if url.startswith("sqlite"):
            with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file, file:
                return file.execute(statement).fetchall()
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return ask
