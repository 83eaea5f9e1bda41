"""Says who runs it, then as many words as it is asked for; and leaves a mark where it is cancelled."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mserve import ClientError


@asynccontextmanager
async def lifespan() -> AsyncIterator[str]:
    yield f"opened by {os.getpid()}"


async def serve(
    prompt: str,
    state: str,
    caller: str | None,
    headers: dict[str, str],
    count: int = 10,
    pause: float = 0.02,
    mark: str = "",
    fails: str = "",
) -> AsyncIterator[str]:
    if fails == "first":
        raise ClientError("no such city", 422, code="no_city")
    try:
        yield f"{os.getpid()} "
        if fails == "told":
            yield f"{state}; {caller}; {headers.get('x-wish')} "
        for number in range(count):
            await asyncio.sleep(pause)
            if fails == "later" and number == count // 2:
                raise RuntimeError("a secret of the program's")
            yield f"{prompt}/{number} "
    except asyncio.CancelledError:
        if mark:
            Path(mark).write_text(str(time.time()))
        raise
