"""Who gives up waiting for a run to begin in the very moment in which the store refuses it: others are written on."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import make_url

from mserve.store.base import Begin, StoreError, Write
from mserve.store.sql import SqlStore
from mserve.store.writer import Writer
from store.stored import a_run, append, events


class Refusing(SqlStore):
    """Refuses new runs, a little later."""

    steps = 0

    async def write(self, writes: Sequence[Write]) -> set[str]:
        if any(isinstance(one, Begin) for one in writes):
            for _ in range(self.steps):
                await asyncio.sleep(0)
            raise StoreError("full")
        return await super().write(writes)


@pytest.mark.parametrize("steps", range(8))
async def test_who_gives_up_while_the_store_refuses_keeps_nobody_from_writing(tmp_path: Path, steps: int) -> None:
    store = Refusing(make_url(f"sqlite:///{tmp_path}/runs.db"))
    await store.open()
    run = await store.begin(a_run())
    store.steps = steps
    for wait in range(steps + 8):
        writer = Writer(store, on_refused=lambda _key: None, on_written=lambda _keys: None, late=0.0)
        beginning = asyncio.ensure_future(writer.begin(a_run()))
        for _ in range(wait):
            await asyncio.sleep(0)
        beginning.cancel()
        writer.put([append(run.key, wait, "a")])
        async with asyncio.timeout(10):
            await asyncio.gather(beginning, return_exceptions=True)
            await writer.flush()
        await writer.close()
    assert await events(store, run.key) == ["a"] * (steps + 8)
    await store.close()
