"""The OpenAI Agents SDK asks the server at the given address, and tells what it saw."""

import sys
from typing import Any

from cases import Trip, async_error_of, tell

from agents import (  # isort: skip  # no client comes before the guard
    Agent,
    ModelSettings,
    OpenAIConversationsSession,
    OpenAIResponsesModel,
    Runner,
    SQLiteSession,
    function_tool,
    handoff,
    set_tracing_disabled,
)
from openai import AsyncOpenAI
from openai.types.shared import Reasoning

set_tracing_disabled(True)
CLIENT = AsyncOpenAI(base_url=sys.argv[1], api_key="none", max_retries=0)
MODEL = OpenAIResponsesModel("agent", CLIENT)


@function_tool
def weather(city: str, days: int) -> str:
    """Tell the weather."""
    return f"rain in {city} for {days} days"


@function_tool
async def clock(zone: str) -> str:
    """Tell the time."""
    return f"noon in {zone}"


PLAIN = Agent("plain", instructions="Be kind.", model=MODEL)
ARMED = Agent("armed", model=MODEL, tools=[weather, clock])


def kinds(items: list[Any]) -> list[str]:
    """Tell what happened, step by step."""
    return [item.type for item in items]


async def run() -> Any:
    """Ask for words."""
    result = await Runner.run(PLAIN, "Good morning")
    usage = result.context_wrapper.usage
    return [result.final_output, usage.requests, usage.input_tokens, usage.output_tokens]


async def run_streamed() -> Any:
    """Hear words as they come."""
    result = Runner.run_streamed(PLAIN, "Good morning")
    raw = [event.data async for event in result.stream_events() if event.type == "raw_response_event"]
    words = [event.delta for event in raw if event.type == "response.output_text.delta"]
    return {"words": words, "output": result.final_output, "last": raw[-1].type}


async def tools() -> Any:
    """Let the agent go round the loop of tools, with all said again, and by the id of the last response."""
    told = []
    for settings in ({}, {"auto_previous_response_id": True}):
        result = await Runner.run(ARMED, "How is the weather?", **settings)
        told.append([result.final_output, kinds(result.new_items), result.context_wrapper.usage.requests])
    return told


async def tools_streamed() -> Any:
    """The same, streamed."""
    result = Runner.run_streamed(ARMED, "How is the weather?")
    names = [event.name async for event in result.stream_events() if event.type == "run_item_stream_event"]
    return {"names": names, "output": result.final_output}


async def session() -> Any:
    """Go on in a session that this process keeps."""
    kept = SQLiteSession("here")
    await Runner.run(PLAIN, "Good morning", session=kept)
    await Runner.run(ARMED, "How is the weather?", session=kept)
    return (await Runner.run(PLAIN, "What was said?", session=kept)).final_output


async def conversation() -> Any:
    """Go on in a session that the server keeps; then take the last step back, and clear it."""
    kept = OpenAIConversationsSession(openai_client=CLIENT)
    await Runner.run(PLAIN, "Good morning", session=kept)
    await Runner.run(ARMED, "How is the weather?", session=kept)
    said = (await Runner.run(PLAIN, "What was said?", session=kept)).final_output
    items: Any = await kept.get_items()
    last: Any = await kept.pop_item()
    left = await kept.get_items()
    await kept.clear_session()
    return {"said": said, "kinds": [item["type"] for item in items], "last": last["role"], "left": len(left)}


async def conversation_by_id() -> Any:
    """Go on in a conversation that each request names."""
    made = await CLIENT.conversations.create()
    await Runner.run(ARMED, "How is the weather?", conversation_id=made.id)
    return (await Runner.run(PLAIN, "What was said?", conversation_id=made.id)).final_output


async def structured() -> Any:
    """Ask for an instance, whole and streamed."""
    asking = Agent("asking", model=MODEL, output_type=Trip)
    streamed = Runner.run_streamed(asking, "Please")
    async for _ in streamed.stream_events():
        pass
    return [(await Runner.run(asking, "Please")).final_output, streamed.final_output]


async def thoughts() -> Any:
    """Hear the thoughts apart."""
    thinking = Agent("thinking", model=MODEL, model_settings=ModelSettings(reasoning=Reasoning(summary="auto")))
    result = await Runner.run(thinking, "think")
    [thought] = [item.raw_item for item in result.new_items if item.type == "reasoning_item"]
    return [[part.text for part in thought.summary], result.final_output]


async def handed_over() -> Any:
    """Let an agent hand the question over to another one."""
    forced = ModelSettings(tool_choice="transfer_to_plain")
    first = Agent("first", model=MODEL, handoffs=[handoff(PLAIN)], model_settings=forced)
    result = await Runner.run(first, "Good morning")
    return [result.last_agent.name, kinds(result.new_items)]


async def refused() -> Any:
    """Be refused."""
    return await async_error_of(Runner.run(PLAIN, "refuse"))


async def failed() -> Any:
    """Meet a program that fails before the reply."""
    return await async_error_of(Runner.run(PLAIN, "fail"))


async def failed_amid() -> Any:
    """Meet one that fails amid it."""
    words: list[str] = []

    async def hear() -> None:
        async for event in Runner.run_streamed(PLAIN, "fail").stream_events():
            if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
                words.append(event.data.delta)  # noqa: PERF401  # those before the error are wanted

    return [await async_error_of(hear()), words]


tell(
    run,
    run_streamed,
    tools,
    tools_streamed,
    session,
    conversation,
    conversation_by_id,
    structured,
    thoughts,
    handed_over,
    refused,
    failed,
    failed_amid,
)
