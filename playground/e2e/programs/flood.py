"""Says as many tokens as asked for, and as fast: `90000 at 5000, 10000 at 200`; all `in one paragraph`, if told so."""

import asyncio
import re
import time
from collections.abc import AsyncIterator

SENTENCE = "The page reads on and on, *whatever* comes of it, and `draws` each frame in its time."


async def serve(prompt: str) -> AsyncIterator[str]:
    """Keep the time by the clock, so that a slow moment is made up for."""
    words = SENTENCE.split(" ")
    said = 0
    for number, rate in re.findall(r"(\d+) at (\d+)", prompt):
        began = time.monotonic()
        for count in range(int(number)):
            ahead = began + count / int(rate) - time.monotonic()
            if ahead > 0:
                await asyncio.sleep(ahead)
            said += 1
            yield "\n\n" if said % 400 == 0 and "one" not in prompt else f"{words[said % len(words)]} "
