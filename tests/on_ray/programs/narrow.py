"""Has room for one at a time on each replica, and lets nobody wait."""

import asyncio
from collections.abc import AsyncIterator

from mserve import served


@served(max_runs=1, max_queue=0)
async def serve(prompt: str, pause: float = 1.0) -> AsyncIterator[str]:
    yield "begun "
    await asyncio.sleep(pause)
    yield prompt
