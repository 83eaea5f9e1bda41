"""The program that every contender serves. Its last message says what to do: a kind, a count, and seconds to pause."""

import asyncio
import os
from collections.abc import AsyncGenerator

WORDS = [f" w{number}" for number in range(10_000)]
"""All that is ever said, made beforehand: each token is another one, and making it costs nobody anything."""


async def serve(prompt: str) -> AsyncGenerator[str, None]:
    """Say the first words, as fast as they are taken, one in each turn of the loop, or with pauses."""
    kind, count, pause = prompt.split()
    words = WORDS[: int(count)]
    if kind == "burst":
        for word in words:
            yield word
    elif kind == "tick":
        for word in words:
            await asyncio.sleep(0)
            yield word
    elif kind == "paced":
        seconds = float(pause)
        for word in words:
            yield word
            await asyncio.sleep(seconds)
    else:
        yield str(os.getpid())
