"""Says more than anybody reads, and counts it in a file."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path


async def serve(prompt: str, mark: str = "") -> AsyncIterator[str]:
    del prompt
    with Path(mark).open("w") as file:
        for number in range(10_000_000):
            if number % 100 == 0:
                file.write(f"{number}\n")
                file.flush()
            yield "x" * 200
            await asyncio.sleep(0)
