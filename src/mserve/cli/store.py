"""`mserve store`: look at the runs that are kept, and forget old ones. Never makes a store, and runs nothing."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter
from cyclopts.validators import Number
from rich import box
from rich.table import Table
from rich.text import Text

from mserve.errors import MserveError
from mserve.store.base import Status, Store, StoredRun
from mserve.store.opening import default_url, open_store

from .age import Age
from .app import pyproject
from .failure import told_in_words
from .screen import console
from .shown import clean, following, say_events, say_run

# The file holds what `mserve run` is told, too: of that, this takes what it knows.
app = App(name="store", config=partial(pyproject, allow_unknown=True))

Where = Annotated[str | None, Parameter(env_var="MSERVE_STORE")]
_COLUMNS = ("id", "status", "program", "model", "owner", "created", "seconds")
_SECRET = {"body", "fingerprint"}


@app.command(name="list")
def list_runs(
    *,
    limit: Annotated[int, Parameter(validator=Number(gte=1))] = 20,
    status: Status | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
    store: Where = None,
) -> None:
    """List the newest runs.

    Parameters
    ----------
    limit
        How many, at most.
    status
        Those alone that are so.
    json
        Say a JSON object for each, on a line of its own.
    store
        Where runs are kept: sqlite:///path or postgresql://user@host/database; by default among the user's data.

    """

    async def listed(kept: Store) -> None:
        runs = await kept.runs(limit, status=status)
        if json:
            for run in runs:
                fields = {name: value for name, value in msgspec.structs.asdict(run).items() if name not in _SECRET}
                print(msgspec.json.encode(fields).decode())
        else:
            _table([_row(run) for run in runs])

    _with(store, listed)


@app.command
def show(key: str, *, json: Annotated[bool, Parameter(negative=())] = False, store: Where = None) -> None:
    """Show a run: what was asked, and what it said.

    Parameters
    ----------
    key
        What its reply was known by, with or without a prefix such as resp_ or chatcmpl-.
    json
        Say a JSON object for each of its events, on a line of its own.
    store
        Where runs are kept: sqlite:///path or postgresql://user@host/database; by default among the user's data.

    """

    async def shown(kept: Store) -> None:
        run = await kept.run(key, None) or await kept.run(key.rpartition("_")[2].rpartition("-")[2], None)
        if run is None:
            raise MserveError(f"no run {key!r} is kept here")
        if json:
            async for number, choice, event in following(kept, run.key):
                print(say_events(number, choice, event))
        else:
            async for text in say_run(kept, run):
                console.print(text)

    _with(store, shown)


@app.command
def prune(
    *,
    older_than: Age | None = None,
    max_bytes: Annotated[int | None, Parameter(validator=Number(gte=0))] = None,
    store: Where = None,
) -> None:
    """Forget runs that have ended, and what they said; those that go on stay.

    Parameters
    ----------
    older_than
        Those that ended so long ago: days, or a number with s, m, h or d behind it.
    max_bytes
        The oldest, until the rest is no larger.
    store
        Where runs are kept: sqlite:///path or postgresql://user@host/database; by default among the user's data.

    """

    async def pruned(kept: Store) -> None:
        before = None if older_than is None else int(time.time() - older_than)
        count = await kept.prune(before=before, most_bytes=max_bytes)
        console.print(f"{count} {'run is' if count == 1 else 'runs are'} forgotten.")

    with told_in_words():
        if older_than is None and max_bytes is None:
            raise MserveError("say what to forget: --older-than 30d, or --max-bytes 1000000000")
    _with(store, pruned)


def _with(url: str | None, work: Callable[[Store], Awaitable[None]]) -> None:
    """Do something with a store that is there."""
    with told_in_words():
        url = default_url() if url is None else url
        store = open_store(url)
        if url.startswith("sqlite:") and not (file := Path(url.removeprefix("sqlite:///").partition("?")[0])).exists():
            raise MserveError(f"no runs are kept at {file}")
        asyncio.run(_opened(store, work))


async def _opened(store: Store, work: Callable[[Store], Awaitable[None]]) -> None:
    try:
        await store.open()
        await work(store)
    finally:
        await store.close()


def _row(run: StoredRun) -> list[str]:
    created = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(run.created))
    seconds = "" if run.ended is None else str(run.ended - run.created)
    return [clean(one) for one in (run.key, run.status, run.program, run.model, run.owner, created, seconds)]


def _table(rows: list[list[str]]) -> None:
    """Draw a table for people, and a line with tabs for each of its rows for programs."""
    if not console.is_terminal:
        for row in [[*_COLUMNS], *rows]:
            print("\t".join(row))
        return
    table = Table(*_COLUMNS, box=box.SIMPLE_HEAD)
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)
