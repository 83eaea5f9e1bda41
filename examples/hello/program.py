"""The smallest program: a bare async generator. Each `yield` reaches the client at once."""

import asyncio
from collections.abc import AsyncIterator


async def serve(prompt: str) -> AsyncIterator[str]:
    for word in f"Hello! You said: {prompt}".split(" "):
        yield f"{word} "
        await asyncio.sleep(0.05)
