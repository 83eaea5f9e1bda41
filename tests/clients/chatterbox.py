"""A program that answers every request that is accepted, however odd, and says something of each kind."""

from collections.abc import AsyncIterator

from mserve import (
    AudioDelta,
    Citation,
    ReasoningDelta,
    RefusalDelta,
    Request,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from mserve.events import Event, Logprob


async def serve(prompt: str, request: Request) -> AsyncIterator[Event]:
    yield ReasoningDelta("Let me see. ")
    if request.response_format and request.response_format["type"] != "text":
        yield TextDelta("{}")
    else:
        for word in ["You ", "said: ", prompt[:100]]:
            yield TextDelta(word, (Logprob(word, -0.5, None, (Logprob(word, -0.5),)),))
    yield Citation("https://example.org", "Example", 0, 4)
    if len(prompt) % 2:
        yield RefusalDelta("No. ")
    for number, tool in enumerate(request.tools or ()):
        if tool["type"] == "function":
            yield ToolCallStart(f"call_{number}", tool["function"]["name"])
        elif tool["type"] == "custom":
            yield ToolCallStart(f"call_{number}", str(tool["custom"].get("name")), "custom")
            yield ToolCallDelta(f"call_{number}", prompt)
    if "audio" in (request.modalities or ()):
        yield AudioDelta(b"12345", "One to five.")
    yield Usage(input_tokens=7, output_tokens=5)
