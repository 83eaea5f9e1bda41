"""LiteLLM asks the server at the given address, and tells what it saw."""

import sys
from typing import Any

from cases import Folder, Trip, error_of, tell
from litellm import acompletion, completion, stream_chunk_builder

ASKED: dict[str, Any] = {"model": "openai/agent", "base_url": sys.argv[1], "api_key": "none", "num_retries": 0}


def tool(name: str, **parameters: str) -> dict[str, Any]:
    """Describe a function with plain parameters."""
    properties = {key: {"type": kind} for key, kind in parameters.items()}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "parameters": schema}}


TOOLS = [tool("weather", city="string", days="integer"), tool("clock", zone="string")]


def saying(text: str, **more: Any) -> dict[str, Any]:
    """Give the arguments of a question."""
    return {**ASKED, "messages": [{"role": "user", "content": text}], **more}


def seen(reply: Any) -> dict[str, Any]:
    """Tell what of a reply its users read."""
    [choice] = reply.choices
    message, usage = choice.message, reply.usage
    return {
        "content": message.content,
        "reason": choice.finish_reason,
        "thoughts": getattr(message, "reasoning_content", None),
        "calls": [(call.id, call.function.name, call.function.arguments) for call in message.tool_calls or ()],
        "usage": [usage.prompt_tokens, usage.completion_tokens, usage.total_tokens],
    }


def heard(chunks: list[Any]) -> dict[str, Any]:
    """Tell what of a stream its users read."""
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    pieces = [piece for delta in deltas for piece in delta.tool_calls or ()]
    return {
        "words": [delta.content for delta in deltas if delta.content],
        "thoughts": [delta.reasoning_content for delta in deltas if getattr(delta, "reasoning_content", None)],
        "named": [(piece.index, piece.id, piece.function.name) for piece in pieces if piece.id],
        "pieces": [(piece.index, piece.function.arguments) for piece in pieces if piece.function.arguments],
        "reasons": [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices],
        "usage": [chunk.usage.total_tokens for chunk in chunks if getattr(chunk, "usage", None)],
        "ids": len({chunk.id for chunk in chunks}),
    }


def whole() -> Any:
    """Ask for words."""
    return seen(completion(**saying("Good morning")))


async def asked_async() -> Any:
    """Ask the async way, whole and streamed."""
    reply = await acompletion(**saying("Good morning"))
    stream = await acompletion(**saying("Good morning", stream=True))
    return [seen(reply), heard([chunk async for chunk in stream])]


def stream() -> Any:
    """Hear words as they come, without and with usage, and have them put together."""
    plain = list(completion(**saying("Good morning", stream=True)))
    using = list(completion(**saying("Good morning", stream=True, stream_options={"include_usage": True})))
    return {"plain": heard(plain), "using": heard(using), "built": seen(stream_chunk_builder(using))}


def thoughts() -> Any:
    """Hear the thoughts apart, whole and streamed."""
    return [
        seen(completion(**saying("think"))),
        heard(list(completion(**saying("think", stream=True)))),
    ]


def tools() -> Any:
    """Go once round the loop of tools: calls, their results, the answer."""
    called = completion(**saying("How is the weather?", tools=TOOLS))
    message = called.choices[0].message
    results = [{"role": "tool", "tool_call_id": call.id, "content": call.function.name} for call in message.tool_calls]
    asked = saying("How is the weather?", tools=TOOLS)
    asked["messages"] += [message, *results]
    return {"called": seen(called), "answer": seen(completion(**asked))}


def tools_streamed() -> Any:
    """The same calls in pieces, and put together."""
    chunks = list(completion(**saying("How is the weather?", tools=TOOLS, stream=True)))
    return {"heard": heard(chunks), "built": seen(stream_chunk_builder(chunks))}


def tool_choice() -> Any:
    """Name the tool, ask for any, ask for none."""
    named = {"type": "function", "function": {"name": "clock"}}
    replies = [
        completion(**saying("weather", tools=TOOLS, tool_choice=choice)) for choice in (named, "required", "none")
    ]
    return [[call[1] for call in seen(reply)["calls"]] for reply in replies]


def response_format() -> Any:
    """Ask for an instance, by its class and by its schema, whole and streamed."""
    by_schema = {"type": "json_schema", "json_schema": {"name": "Trip", "schema": Trip.model_json_schema()}}
    replies = [completion(**saying("Please", response_format=form)) for form in (Trip, by_schema, Folder)]
    stream = completion(**saying("Please", response_format=Trip, stream=True))
    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    return [*(reply.choices[0].message.content for reply in replies), streamed]


def refused() -> Any:
    """Be refused, whole and streamed."""
    return [
        error_of(lambda: completion(**saying("refuse"))),
        error_of(lambda: list(completion(**saying("refuse", stream=True)))),
    ]


def failed() -> Any:
    """Meet a program that fails: before the reply, and amid it."""
    words: list[Any] = []
    before = error_of(lambda: completion(**saying("fail")))
    amid = error_of(
        lambda: words.extend(chunk.choices[0].delta.content for chunk in completion(**saying("fail", stream=True)))
    )
    return {"whole": before, "amid": amid, "words": words}


tell(whole, asked_async, stream, thoughts, tools, tools_streamed, tool_choice, response_format, refused, failed)
