"""Answers in every shape that chat completions has, without a model: for trying a client, or a wire."""

import json
from collections.abc import AsyncIterator
from typing import Any

from mserve import Request, TextDelta, ToolCallDelta, ToolCallStart, Usage

Event = TextDelta | ToolCallStart | ToolCallDelta | Usage


async def serve(prompt: str, request: Request) -> AsyncIterator[Event]:
    """Call the first tool where one must be called, fill the schema where there is one, else repeat the prompt."""
    if request.tools and request.tool_choice == "required":
        function = request.tools[0]["function"]
        yield ToolCallStart("call_0", function["name"])
        yield ToolCallDelta("call_0", json.dumps(example_of(function.get("parameters") or {})))
    elif schema := ((request.response_format or {}).get("json_schema") or {}).get("schema"):
        yield TextDelta(json.dumps(example_of(schema)))
    else:
        for word in f"You said: {prompt}".split():
            yield TextDelta(f"{word} ")
    yield Usage(input_tokens=len(prompt.split()), output_tokens=3)


def example_of(schema: dict[str, Any]) -> Any:
    """Make up the smallest value that fits a plain schema."""
    if "enum" in schema:
        return schema["enum"][0]
    kinds: dict[str, Any] = {
        "string": "Lisbon",
        "integer": 1,
        "number": 1.5,
        "boolean": True,
        "array": [],
        "null": None,
    }
    if schema.get("type") in kinds:
        return kinds[schema["type"]]
    return {name: example_of(part) for name, part in schema.get("properties", {}).items()}
