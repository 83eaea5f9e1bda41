"""What the tests of the store keep in it."""

import itertools
import time
from collections.abc import Sequence
from typing import Any

from mserve.events import Said
from mserve.store.base import Append, Batch, Store, StoredRun
from mserve.store.codec import decode, encode

_keys = (f"run-{number}" for number in itertools.count())


def a_run(key: str | None = None, **fields: Any) -> StoredRun:
    known: dict[str, Any] = {
        "key": key or next(_keys),
        "owner": "alice",
        "endpoint": "/v1/responses",
        "program": "hello",
        "model": "gpt-4o",
        "created": int(time.time()),
        "body": b'{"input":"hi"}',
        "worker": "w",
    }
    return StoredRun(**known | fields)


def append(key: str, first: int, *said: Said) -> Append:
    return Append(key, Batch(first, encode([(0, said)])))


async def events(store: Store, key: str) -> list[Said]:
    """All that a run has said, read in small portions; each batch begins where the last one ended."""
    read: list[Said] = []
    while batches := await store.batches(key, len(read), 3):
        for batch in batches:
            assert batch.first == len(read)
            read += _said(batch)
    return read


def _said(batch: Batch) -> Sequence[Said]:
    return [one for _, said in decode(batch.data) for one in said]
