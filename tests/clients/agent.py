"""The program that the client suites ask: every word of it follows from the request, so that each answer is known."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from mserve import ClientError, ReasoningDelta, RefusalDelta, Request, TextDelta, ToolCallDelta, ToolCallStart, Usage
from mserve.events import Logprob

Event = TextDelta | ReasoningDelta | RefusalDelta | ToolCallStart | ToolCallDelta | Usage

LEFT: list[str] = []
"""The slow prompts whose clients left before the answer was whole."""


async def serve(prompt: str, request: Request) -> AsyncIterator[Event]:
    """Answer by the last message: a tool's result is retold, "weather" calls the tools, a schema is filled.

    "What was said?" is answered with the whole conversation.
    """
    if "think" in prompt:
        yield ReasoningDelta("Let me ")
        yield ReasoningDelta("think. ")
    if "refuse" in prompt:
        raise ClientError("I will not.", 400, "refused", "messages")
    for piece in pieces(prompt, request):
        yield piece
        await asyncio.sleep(0)
        if "fail" in prompt:
            raise RuntimeError("this text is for the log alone")
        if "slow" in prompt:
            await linger(prompt)
    yield Usage(input_tokens=7, output_tokens=5)


async def linger(prompt: str) -> None:
    """Take 0.2 s for a word, and remember a client that leaves meanwhile."""
    try:
        await asyncio.sleep(0.2)
    except asyncio.CancelledError:
        LEFT.append(prompt)
        raise


def pieces(prompt: str, request: Request) -> Iterator[Event]:
    """Give what is said, apart from thoughts and tokens."""
    results = [m for m in request.messages if m["role"] in ("tool", "function")]
    if request.messages[-1] in results:
        yield from words("The tools said: " + " and ".join(text_of(m["content"]) for m in results))
    elif tools := called(prompt, request):
        for number, tool in enumerate(tools):
            yield from call(f"call_{number}", tool, prompt)
    elif "decline" in prompt:
        yield from (RefusalDelta(word.text) for word in words("I would rather not."))
    elif request.response_format and request.response_format["type"] != "text":
        schema = (request.response_format.get("json_schema") or {}).get("schema") or told_schema(request)
        yield from map(TextDelta, cut(json.dumps(example_of(schema))))
    else:
        told = {"Who left?": ", ".join(LEFT), "What was said?": said_in(request.messages)}
        for word in words(told.get(prompt, f"You said: {prompt}")):
            yield TextDelta(word.text, (Logprob(word.text, -0.5),)) if request.logprobs else word


def call(name: str, tool: dict[str, Any], prompt: str) -> Iterator[Event]:
    """Call a tool: a function with a value that fits its parameters, a custom one with what was asked."""
    kind = tool["type"]
    yield ToolCallStart(name, tool[kind]["name"], kind)
    given = prompt if kind == "custom" else json.dumps(example_of(tool[kind].get("parameters") or {}))
    yield from (ToolCallDelta(name, piece) for piece in cut(given))


def called(prompt: str, request: Request) -> list[dict[str, Any]]:
    """Choose the tools to call: the named one, the first where one is required, all where "weather" is asked."""
    tools = [tool for tool in request.tools or () if tool["type"] in ("function", "custom")]
    choice = request.tool_choice
    if isinstance(choice, dict) and (kind := choice["type"]) in ("function", "custom"):
        return [tool for tool in tools if tool[tool["type"]]["name"] == choice[kind]["name"]]
    if choice == "required":
        return tools[:1]
    return tools if "weather" in prompt and choice != "none" else []


def said_in(messages: list[dict[str, Any]]) -> str:
    """Tell a conversation, each message by its role, its words and the tools that it calls."""
    told = []
    for message in messages:
        names = [call[call["type"]]["name"] for call in message.get("tool_calls") or ()]
        told.append(f"{message['role']}: {text_of(message.get('content')) or ', '.join(names)}")
    return "; ".join(told)


def example_of(schema: dict[str, Any], whole: dict[str, Any] | None = None, within: tuple[str, ...] = ()) -> Any:
    """Make up a small value that fits a schema; `within` are the references that led here, so that it ends."""
    whole = whole or schema
    if ref := schema.get("$ref"):
        part: Any = whole
        for step in ref.split("/")[1:]:
            part = part[step]
        return example_of(part, whole, (*within, ref))
    if "enum" in schema or "const" in schema:
        return schema.get("const") or schema["enum"][0]
    if options := schema.get("anyOf"):
        return example_of(next(option for option in options if option.get("$ref") not in within), whole, within)
    plain: dict[str, Any] = {"string": "Lisbon", "integer": 21, "number": 1.5, "boolean": True, "null": None}
    if schema.get("type") in plain:
        return plain[schema["type"]]
    if schema.get("type") == "array":
        items = schema.get("items", {"type": "string"})
        return [] if items.get("$ref") in within else [example_of(items, whole, within)]
    return {name: example_of(part, whole, within) for name, part in schema.get("properties", {}).items()}


def told_schema(request: Request) -> dict[str, Any]:
    """Find the schema that stands in the conversation's text, where a client asks for JSON by words alone."""
    for text in (text_of(message.get("content")) for message in request.messages):
        for start in (place for place, letter in enumerate(text) if letter == "{"):
            with contextlib.suppress(json.JSONDecodeError):
                found, _ = json.JSONDecoder().raw_decode(text, start)
                if "properties" in found or "$ref" in found:
                    return found  # type: ignore[no-any-return]
    return {"type": "object"}


def text_of(content: Any) -> str:
    """Give a message's text, whichever way it came."""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content or ())


def words(text: str) -> Iterator[TextDelta]:
    """Cut a text behind each space."""
    yield from (TextDelta(word) for word in text.replace(" ", " \0").split("\0"))


def cut(text: str) -> Iterator[str]:
    """Cut a text into pieces of five characters."""
    return (text[start : start + 5] for start in range(0, len(text), 5))
