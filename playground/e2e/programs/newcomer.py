"""What a newcomer meets: thoughts, Markdown with code, a tool, and an answer that takes its time."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from mserve import Finish, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStart, Usage

Event = TextDelta | ReasoningDelta | ToolCallStart | ToolCallDelta | Usage | Finish

THOUGHTS = "They are new here. A short answer with a little code will do, and a table, since people like tables."
ANSWER = """## Streaming, in one function

A program is **one function** that yields its words:

```python
async def serve(prompt):
    for word in prompt.split():
        yield word + " "
```

| what | when |
| --- | --- |
| first token | as soon as it is there |
| stall | you see it at once |

1. Every OpenAI client can call it.
2. Each frame is a mark in the *timeline*.
"""


async def guide(
    messages: list[dict[str, Any]], prompt: str, tools: list[dict[str, Any]] | None = None
) -> AsyncIterator[Event]:
    """Explain; ask the client's tool about the weather; or count until somebody stops it."""
    if messages[-1]["role"] == "tool":
        for word in f"It is **{messages[-1]['content']}** there.".split(" "):
            yield TextDelta(f"{word} ")
            await asyncio.sleep(0.02)
    elif tools and "weather" in prompt:
        for event in call(tools[0]["function"]["name"]):
            yield event
            await asyncio.sleep(0.05)
    elif "count" in prompt:
        for number in range(100_000):
            yield TextDelta(f"{number} ")
            await asyncio.sleep(0.02)
    else:
        async for event in explanation():
            yield event


def call(name: str) -> list[Event]:
    """Ask about Lisbon, in pieces."""
    arguments = json.dumps({"city": "Lisbon"})
    pieces = [arguments[place : place + 4] for place in range(0, len(arguments), 4)]
    return [ToolCallStart("call_1", name), *(ToolCallDelta("call_1", piece) for piece in pieces)]


async def explanation() -> AsyncIterator[Event]:
    """Think, then speak: with a stall in the middle, and some words that come together."""
    for word in THOUGHTS.split(" "):
        yield ReasoningDelta(f"{word} ")
        await asyncio.sleep(0.04)
    pieces = [ANSWER[place : place + 6] for place in range(0, len(ANSWER), 6)]
    for place, piece in enumerate(pieces):
        yield TextDelta(piece)
        if place == len(pieces) // 2:
            await asyncio.sleep(0.5)
        elif not len(pieces) // 4 < place < len(pieces) // 3:
            await asyncio.sleep(0.015)
    yield Usage(input_tokens=12, output_tokens=len(pieces))


async def brief(prompt: str) -> AsyncIterator[str]:
    """Say little, and soon."""
    for word in f"Briefly: {prompt}".split(" "):
        yield f"{word} "
        await asyncio.sleep(0.05)
