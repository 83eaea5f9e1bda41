"""A program that calls the client's tools: it says events, where text alone would not do."""

import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

from mserve import TextDelta, ToolCallDelta, ToolCallStart

Event = TextDelta | ToolCallStart | ToolCallDelta


async def serve(
    messages: list[dict[str, Any]], prompt: str, tools: list[dict[str, Any]] | None = None
) -> AsyncIterator[Event]:
    """Ask the client's first tool about the last word of the prompt, then answer with what the tool said."""
    if messages[-1]["role"] == "tool":
        yield TextDelta(f"The tool says: {messages[-1]['content']}")
    elif not tools:
        yield TextDelta("I have no tools to ask.")
    else:
        function = tools[0]["function"]
        parameter = next(iter(function["parameters"]["properties"]))
        arguments = json.dumps({parameter: prompt.rstrip("?!. ").rpartition(" ")[2]})
        call = f"call_{uuid.uuid4().hex}"
        yield ToolCallStart(call, function["name"])
        for piece in (arguments[:8], arguments[8:]):
            yield ToolCallDelta(call, piece)
