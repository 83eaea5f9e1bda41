"""Pydantic AI's agents ask the server at the given address, and tell what they saw."""

import sys
from typing import Any

from cases import Folder, Trip, async_error_of, tell
from pydantic_ai import Agent, NativeOutput, PartDeltaEvent, PartStartEvent, PromptedOutput, ToolOutput
from pydantic_ai.messages import ModelResponse, TextPartDelta, ToolCallPart
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

MODEL = OpenAIChatModel("agent", provider=OpenAIProvider(base_url=sys.argv[1], api_key="none"))
PLAIN = Agent(MODEL, instructions="Be kind.")
ARMED = Agent(MODEL)


@ARMED.tool_plain
def weather(city: str, days: int) -> str:
    """Tell the weather."""
    return f"rain in {city} for {days} days"


@ARMED.tool_plain
async def clock(zone: str) -> str:
    """Tell the time."""
    return f"noon in {zone}"


def used(usage: Any) -> list[int]:
    """Tell the requests and the tokens."""
    return [usage.requests, usage.input_tokens, usage.output_tokens]


def parts(messages: list[Any]) -> list[list[str]]:
    """Tell the kinds of the parts of each message."""
    return [[part.part_kind for part in message.parts] for message in messages]


async def run() -> Any:
    """Ask for words."""
    result = await PLAIN.run("Good morning")
    response = result.response
    told = [response.model_name, response.finish_reason, response.provider_response_id.startswith("chatcmpl-")]
    return {"output": result.output, "usage": used(result.usage), "response": told}


async def conversation() -> Any:
    """Go on with what was said before."""
    first = await PLAIN.run("Good morning")
    second = await PLAIN.run("And again", message_history=first.all_messages())
    return {"output": second.output, "parts": parts(second.all_messages())}


async def run_stream() -> Any:
    """Hear words as they come."""
    async with PLAIN.run_stream("Good morning") as result:
        words = [word async for word in result.stream_text(delta=True, debounce_by=None)]
        return {"words": words, "usage": used(result.usage), "reason": result.response.finish_reason}


async def thoughts() -> Any:
    """Hear the thoughts apart, whole and streamed."""
    whole = await PLAIN.run("think")
    async with PLAIN.run_stream("think") as result:
        await result.get_output()
    told = [whole.response.parts, result.response.parts]
    return [[(part.part_kind, part.content) for part in parts] for parts in told]


async def tools() -> Any:
    """Let the agent go round the loop of tools."""
    result = await ARMED.run("How is the weather?")
    calls = [part for message in result.all_messages() for part in message.parts if isinstance(part, ToolCallPart)]
    return {
        "output": result.output,
        "usage": used(result.usage),
        "calls": [(call.tool_name, call.args, call.tool_call_id) for call in calls],
        "parts": parts(result.all_messages()),
        "reasons": [message.finish_reason for message in result.all_messages() if isinstance(message, ModelResponse)],
    }


async def tools_streamed() -> Any:
    """The same, streamed to its end."""
    async with ARMED.run_stream("How is the weather?") as result:
        words = [word async for word in result.stream_text(delta=True, debounce_by=None)]
    return {"words": words, "parts": parts(result.all_messages()), "usage": used(result.usage)}


async def events() -> Any:
    """Follow the pieces of the calls and of the answer in the agent's events."""
    text, arguments = "", ["", ""]
    async with ARMED.iter("How is the weather?") as steps:
        async for node in steps:
            if Agent.is_model_request_node(node):
                async with node.stream(steps.ctx) as stream:
                    async for event in stream:
                        if isinstance(event, PartStartEvent):
                            text += getattr(event.part, "content", "")
                        elif isinstance(event, PartDeltaEvent) and isinstance(event.delta, TextPartDelta):
                            text += event.delta.content_delta
                        elif isinstance(event, PartDeltaEvent):
                            arguments[event.index] += event.delta.args_delta
    return {"text": text, "arguments": arguments}


OUTPUTS: dict[str, Any] = {"tool": ToolOutput, "native": NativeOutput, "prompted": PromptedOutput}


async def structured() -> Any:
    """Ask for an instance in each of the three ways."""
    told = {}
    for name, output in OUTPUTS.items():
        told[name] = [(await Agent(MODEL, output_type=output(form)).run("Please")).output for form in (Trip, Folder)]
    return told


async def structured_streamed() -> Any:
    """See the instance grow."""
    told = {}
    for name, output in OUTPUTS.items():
        async with Agent(MODEL, output_type=output(Trip)).run_stream("Please") as result:
            grown = [value async for value in result.stream_output(debounce_by=None)]
        told[name] = [len(grown), grown[-1]]
    return told


async def refused() -> Any:
    """Be refused, whole and streamed."""
    return [await async_error_of(PLAIN.run("refuse")), await async_error_of(hear("refuse", []))]


async def failed() -> Any:
    """Meet a program that fails: before the reply, and amid it."""
    words: list[str] = []
    whole, amid = await async_error_of(PLAIN.run("fail")), await async_error_of(hear("fail", words))
    return {"whole": whole, "amid": amid, "words": words}


async def hear(prompt: str, words: list[str]) -> None:
    """Hear a reply to its end."""
    async with PLAIN.run_stream(prompt) as result:
        async for word in result.stream_text(delta=True, debounce_by=None):
            words.append(word)  # noqa: PERF401  # those before the error are wanted


def run_sync() -> Any:
    """Ask without a loop."""
    return PLAIN.run_sync("Good morning").output


tell(
    run_sync,
    run,
    conversation,
    run_stream,
    thoughts,
    tools,
    tools_streamed,
    events,
    structured,
    structured_streamed,
    refused,
    failed,
)
