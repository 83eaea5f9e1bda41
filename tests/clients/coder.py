"""The program that Codex is given: it has its user's commands run by the shell tool that Codex declares."""

import json
import re
from collections.abc import AsyncIterator

from mserve import ReasoningDelta, Request, TextDelta, ToolCallDelta, ToolCallStart, Usage

Event = TextDelta | ReasoningDelta | ToolCallStart | ToolCallDelta | Usage


async def serve(prompt: str, request: Request) -> AsyncIterator[Event]:
    """Run what the user wrote in backticks, one command after the other, and retell what the last one printed."""
    results = [message for message in request.messages if message["role"] == "tool"]
    commands = re.findall("`(.+?)`", prompt)
    if len(results) < len(commands):
        name, parameter = shell_of(request)
        yield ReasoningDelta("I need a shell.")
        yield ToolCallStart(f"call_{len(results)}", name)
        yield ToolCallDelta(f"call_{len(results)}", json.dumps({parameter: commands[len(results)]}))
    elif commands:
        yield TextDelta("The shell ")
        yield TextDelta(f"said: {results[-1]['content']}")
    else:
        yield TextDelta("You ")
        yield TextDelta(f"said: {prompt}")
    yield Usage(input_tokens=7, output_tokens=5)


def shell_of(request: Request) -> tuple[str, str]:
    """Find the declared function that takes a command, and what it calls the command."""
    for tool in request.tools or ():
        function = tool.get("function") or {}
        for parameter in ("cmd", "command"):
            if parameter in (function.get("parameters") or {}).get("properties", {}):
                return function["name"], parameter
    raise LookupError("Codex declared no shell")
