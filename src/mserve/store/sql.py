"""A store in SQLite or PostgreSQL: each thing that can be asked of it is one transaction."""

from collections.abc import Sequence

from sqlalchemy import URL

from . import lives, place, pruning, rows, talks, writing
from .base import (
    Batch,
    News,
    Status,
    Store,
    StoredConversation,
    StoredItem,
    StoredRun,
    Worker,
    Write,
)
from .database import Database
from .postgresql import Postgresql
from .schema import prepare
from .sqlite import Sqlite


class SqlStore(Store):
    """The runs of a database. Whoever beats through it is the worker that it writes for."""

    def __init__(self, url: URL) -> None:
        self._database: Database = Sqlite(url) if url.get_backend_name() == "sqlite" else Postgresql(url)
        self._worker = ""

    async def open(self) -> None:  # noqa: D102  # as in Store, here and below
        await self._database.open()
        await self._database.write(prepare)

    async def close(self) -> None:  # noqa: D102
        await self._database.close()

    async def begin(self, run: StoredRun) -> StoredRun:  # noqa: D102
        return await self._database.write(lambda connection: rows.begin(connection, run))

    async def write(self, writes: Sequence[Write]) -> set[str]:  # noqa: D102
        return await self._database.write(lambda connection: writing.write(connection, writes, self._worker))

    async def run(self, key: str, owner: str | None) -> StoredRun | None:  # noqa: D102
        return await self._database.read(lambda connection: rows.one(connection, key, owner))

    async def history(self, key: str, owner: str, most_bytes: int) -> list[StoredRun]:  # noqa: D102
        return await self._database.read(lambda connection: rows.history(connection, key, owner, most_bytes))

    async def batches(self, key: str, first: int, limit: int) -> list[Batch]:  # noqa: D102
        return await self._database.read(lambda connection: rows.next_batches(connection, key, first, limit))

    async def news(self, keys: Sequence[str]) -> dict[str, News]:  # noqa: D102
        return await self._database.read(lambda connection: rows.news(connection, keys))

    async def delete(self, key: str, owner: str | None) -> bool:  # noqa: D102
        return await self._database.write(lambda connection: rows.forget(connection, key, owner))

    async def ask_to_cancel(self, key: str) -> None:  # noqa: D102
        await self._database.write(lambda connection: rows.ask_to_cancel(connection, key))

    async def beat(self, worker: Worker) -> list[str]:  # noqa: D102
        self._worker = worker.name
        return await self._database.write(lambda connection: lives.beat(connection, worker))

    async def orphans(self, worker: Worker, silent: float) -> list[StoredRun]:  # noqa: D102
        return await self._database.read(lambda connection: lives.orphans(connection, worker, silent, place.is_gone))

    async def runs(self, limit: int, *, status: Status | None = None) -> list[StoredRun]:  # noqa: D102
        return await self._database.read(lambda connection: rows.newest(connection, limit, status))

    async def prune(self, *, before: int | None = None, most_bytes: int | None = None) -> int:  # noqa: D102
        found = await self._database.read(lambda connection: pruning.overdue(connection, before, most_bytes))
        gone = 0
        for portion in rows.some(found, pruning.PORTION):
            gone += await self._database.write(lambda connection, portion=portion: pruning.forget(connection, portion))  # type: ignore[misc]
        await self._database.write(lambda connection: pruning.forget_others(connection, before))
        while await self._database.write(pruning.shrink):
            pass
        return gone

    async def make_conversation(self, conversation: StoredConversation, items: Sequence[StoredItem]) -> None:  # noqa: D102
        await self._database.write(lambda connection: talks.make(connection, conversation, items))

    async def conversation(self, key: str, owner: str) -> StoredConversation | None:  # noqa: D102
        return await self._database.read(lambda connection: talks.one(connection, key, owner))

    async def update_conversation(self, key: str, owner: str, metadata: dict[str, str]) -> bool:  # noqa: D102
        return await self._database.write(lambda connection: talks.note(connection, key, owner, metadata))

    async def delete_conversation(self, key: str, owner: str) -> bool:  # noqa: D102
        return await self._database.write(lambda connection: talks.forget(connection, key, owner))

    async def add_items(self, key: str, items: Sequence[StoredItem]) -> None:  # noqa: D102
        await self._database.write(lambda connection: talks.add(connection, key, items))

    async def items(self, key: str) -> list[StoredItem]:  # noqa: D102
        return await self._database.read(lambda connection: talks.all_items(connection, key))

    async def delete_item(self, key: str, item: str) -> bool:  # noqa: D102
        return await self._database.write(lambda connection: talks.take_out(connection, key, item))
