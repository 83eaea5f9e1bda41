"""Pydantic AI's agents ask the server at the given address by the Responses API, and tell what they saw."""

import sys
from typing import Any

from cases import Folder, Trip, async_error_of, tell
from pydantic_ai import Agent, NativeOutput, PromptedOutput, ToolOutput
from pydantic_ai.messages import ModelResponse, ToolCallPart
from pydantic_ai.models.openai import OpenAIResponsesModel, OpenAIResponsesModelSettings
from pydantic_ai.providers.openai import OpenAIProvider

MODEL = OpenAIResponsesModel("agent", provider=OpenAIProvider(base_url=sys.argv[1], api_key="none"))
FOLLOWING = OpenAIResponsesModelSettings(openai_previous_response_id="auto")
THINKING = OpenAIResponsesModelSettings(openai_reasoning_summary="auto")
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
    told = [response.model_name, response.finish_reason, response.provider_response_id.startswith("resp_")]
    return {"output": result.output, "usage": used(result.usage), "response": told}


async def conversation() -> Any:
    """Go on with what was said before: sent again, and by the id of the last response."""
    first = await PLAIN.run("Good morning")
    following = OpenAIResponsesModelSettings(openai_previous_response_id=first.response.provider_response_id)
    asked: list[dict[str, Any]] = [{"message_history": first.all_messages()}, {"model_settings": following}]
    return [(await PLAIN.run("What was said?", **more)).output for more in asked]


async def run_stream() -> Any:
    """Hear words as they come."""
    async with PLAIN.run_stream("Good morning") as result:
        words = [word async for word in result.stream_text(delta=True, debounce_by=None)]
        return {"words": words, "usage": used(result.usage), "reason": result.response.finish_reason}


async def thoughts() -> Any:
    """Hear the thoughts apart, whole and streamed, as they are and as a summary."""
    told = []
    for settings in (None, THINKING):
        whole = await PLAIN.run("think", model_settings=settings)
        async with PLAIN.run_stream("think", model_settings=settings) as result:
            await result.get_output()
        told += [[[part.part_kind, thought_of(part)] for part in r.response.parts] for r in (whole, result)]
    return told


def thought_of(part: Any) -> Any:
    """Give a part's words; raw thoughts lie apart from a summary."""
    return part.content or part.provider_details["raw_content"]


async def tools() -> Any:
    """Let the agent go round the loop of tools; by the id of what was said, too."""
    told = []
    for settings in (None, FOLLOWING):
        result = await ARMED.run("How is the weather?", model_settings=settings)
        messages = result.all_messages()
        calls = [part for message in messages for part in message.parts if isinstance(part, ToolCallPart)]
        told.append(
            {
                "output": result.output,
                "usage": used(result.usage),
                "calls": [[call.tool_name, call.args, call.tool_call_id.split("|")[0]] for call in calls],
                "parts": parts(messages),
                "reasons": [message.finish_reason for message in messages if isinstance(message, ModelResponse)],
            }
        )
    return told


async def tools_streamed() -> Any:
    """The same, streamed to its end."""
    async with ARMED.run_stream("How is the weather?") as result:
        words = [word async for word in result.stream_text(delta=True, debounce_by=None)]
    return {"words": words, "parts": parts(result.all_messages()), "usage": used(result.usage)}


OUTPUTS: dict[str, Any] = {"tool": ToolOutput, "native": NativeOutput, "prompted": PromptedOutput}


async def structured() -> Any:
    """Ask for an instance in each of the three ways, and see it grow."""
    told = {}
    for name, output in OUTPUTS.items():
        whole = [(await Agent(MODEL, output_type=output(form)).run("Please")).output for form in (Trip, Folder)]
        async with Agent(MODEL, output_type=output(Trip)).run_stream("Please") as result:
            grown = [value async for value in result.stream_output(debounce_by=None)]
        told[name] = [whole, len(grown), grown[-1]]
    return told


async def refused() -> Any:
    """Be refused, whole and streamed."""
    return [await async_error_of(PLAIN.run("refuse")), await async_error_of(hear("refuse", []))]


async def failed() -> Any:
    """Meet a program that fails before the reply."""
    return await async_error_of(PLAIN.run("fail"))


async def failed_amid() -> Any:
    """Meet one that fails amid it."""
    words: list[str] = []
    return [await async_error_of(hear("fail", words)), words]


async def hear(prompt: str, words: list[str]) -> None:
    """Hear a reply to its end."""
    async with PLAIN.run_stream(prompt) as result:
        async for word in result.stream_text(delta=True, debounce_by=None):
            words.append(word)  # noqa: PERF401  # those before the error are wanted


tell(
    run,
    conversation,
    run_stream,
    thoughts,
    tools,
    tools_streamed,
    structured,
    refused,
    failed,
    failed_amid,
)
