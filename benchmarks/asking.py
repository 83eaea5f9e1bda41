"""The requests of the race, as real clients send them."""

import json
from typing import Any

_TEXT = "The harbour was quiet, the boats lay still, and somebody counted them again, slowly, one after the other. "
_NAMES = ("weather", "calendar", "search", "email", "notes")


def _tool(name: str) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {
            "name": f"{name}_lookup",
            "description": f"Look something up in the {name} service, by place, by day and by what it is about.",
            "parameters": {
                "type": "object",
                "properties": {
                    "query": {"type": "string", "description": "What to look for, in the user's words."},
                    "place": {"type": "string", "description": "A town or a region."},
                    "days": {"type": "integer", "minimum": 1, "maximum": 14, "description": "How many days ahead."},
                    "unit": {"type": "string", "enum": ["metric", "imperial"]},
                },
                "required": ["query"],
            },
        },
    }


def _past(number: int) -> dict[str, Any]:
    """Give one message of what was said before: questions, calls of a tool, its results, answers."""
    call = f"call_{number // 4:04}"
    arguments = json.dumps({"query": "boats", "place": "Lisbon", "days": 3})
    function = {"name": "weather_lookup", "arguments": arguments}
    return (
        {"role": "user", "content": f"{number}: {_TEXT * 2}"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": call, "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": call, "content": json.dumps({"number": number, "text": _TEXT})},
        {"role": "assistant", "content": f"{number}: {_TEXT * 2}"},
    )[number % 4]


def body(wish: str, *, stream: bool, messages: int = 2, tools: bool = False) -> bytes:
    """Give a request's body. A system message comes first, and the last message is the wish to the program."""
    past = [_past(number) for number in range(messages - 2)]
    if messages > 1:
        past = [{"role": "system", "content": f"You are a careful assistant. {_TEXT}"}, *past]
    request: dict[str, Any] = {
        "model": "bench",
        "messages": [*past, {"role": "user", "content": wish}],
        "temperature": 0.7,
        "stream": stream,
    }
    if tools:
        request |= {"tools": [_tool(name) for name in _NAMES], "tool_choice": "auto"}
    return json.dumps(request).encode()


def request(body: bytes, key: str, path: str = "") -> bytes:
    """Give a request as it goes over the wire. All contenders get the key, whether they look at it or not."""
    return (
        b"POST %b/v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\nUser-Agent: bench/1\r\n"
        b"Authorization: Bearer %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
        % (path.encode(), key.encode(), len(body), body)
    )
