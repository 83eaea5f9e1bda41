"""Says tokens in a rhythm that a timeline must show: steady, gathered, and with a stall."""

import asyncio
from collections.abc import AsyncIterator

from mserve import TextDelta, Usage


async def serve() -> AsyncIterator[TextDelta | Usage]:
    """Wait, speak, stall, speak three at once."""
    await asyncio.sleep(0.15)
    for number in range(40):
        yield TextDelta(f"{number} ")
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.4)
    for number in range(20):
        for part in "abc":
            yield TextDelta(f"{number}{part} ")
        await asyncio.sleep(0.03)
    yield Usage(input_tokens=1, output_tokens=100)
