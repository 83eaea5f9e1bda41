"""Mellea's `m serve`, through what it asks of a stream: `is_computed()` and `astream()`.

The queue and the tasks of Mellea's backends are left out: they cost time, and put at least four tokens into one chunk
where there are as many. Here each token is a chunk of its own, as everywhere in the race.
"""

import sys
from collections.abc import AsyncGenerator
from functools import partial
from typing import Any

import uvicorn
from cli.serve import app
from mellea.backends import ModelOption
from mellea.core import ModelOutputThunk
from mellea.serve import ChatMessage
from program import serve as said


class Said(ModelOutputThunk[str]):
    """An answer that comes from the program."""

    def __init__(self, words: AsyncGenerator[str, None]) -> None:
        super().__init__(None)
        self._words = words

    async def astream(self) -> str:
        """Give the next token; "" once there is none."""
        try:
            return await anext(self._words)
        except StopAsyncIteration:
            self._computed = True
            self._underlying_value = ""
            return ""


async def serve(
    input: list[ChatMessage],  # noqa: A002  # so it is called
    requirements: list[str] | None = None,  # noqa: ARG001  # it is always passed
    model_options: dict[str, Any] | None = None,
) -> ModelOutputThunk[str]:
    """Answer the last message."""
    words = said(input[-1].get_text_content())
    if (model_options or {}).get(ModelOption.STREAM):
        return Said(words)
    return ModelOutputThunk("".join([word async for word in words]))


if __name__ == "__main__":
    app.uvicorn.run = partial(uvicorn.run, access_log=False)  # its command has no flag for that
    app.run_server(__file__, host="127.0.0.1", port=int(sys.argv[1]))
