"""LangChain's ChatOpenAI asks the server at the given address, and tells what it saw."""

import sys
from typing import Any

from cases import Folder, Trip, error_of, tell
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

BASE_URL = sys.argv[1]
WHOLE = ChatOpenAI(base_url=BASE_URL, api_key="none", model="agent", max_retries=0)
USING = ChatOpenAI(base_url=BASE_URL, api_key="none", model="agent", max_retries=0, stream_usage=True)


@tool
def weather(city: str, days: int) -> str:
    """Tell the weather."""
    return f"rain in {city} for {days} days"


@tool
def clock(zone: str) -> str:
    """Tell the time."""
    return f"noon in {zone}"


ARMED = WHOLE.bind_tools([weather, clock])


def seen(message: BaseMessage) -> dict[str, Any]:
    """Tell what of a message its users read."""
    calls = message.tool_calls if isinstance(message, AIMessage) else []
    usage = message.usage_metadata if isinstance(message, AIMessage) else None
    reason = message.response_metadata.get("finish_reason")
    return {"content": message.content, "reason": reason, "usage": usage, "calls": calls}


def summed(chunks: list[Any]) -> BaseMessage:
    """Add chunks up, as LangChain's users do."""
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    return whole  # type: ignore[no-any-return]


def invoke() -> Any:
    """Ask with roles of every kind."""
    return seen(WHOLE.invoke([("system", "Be kind."), ("human", "Hi"), ("ai", "Hello"), ("human", "Good morning")]))


async def ainvoke() -> Any:
    """Ask the async way."""
    return seen(await WHOLE.ainvoke("Good morning"))


def stream() -> Any:
    """Hear words as they come, without and with usage."""
    plain, using = list(WHOLE.stream("Good morning")), list(USING.stream("Good morning"))
    return {
        "words": [chunk.content for chunk in plain if chunk.content],
        "plain": seen(summed(plain)),
        "using": seen(summed(using)),
        "told": [chunk.usage_metadata for chunk in using if chunk.usage_metadata],
    }


async def astream() -> Any:
    """Hear words the async way."""
    chunks = [chunk async for chunk in USING.astream("Good morning")]
    return {"words": [chunk.content for chunk in chunks if chunk.content], "all": seen(summed(chunks))}


async def events() -> Any:
    """Follow a reply as events."""
    told = [event async for event in WHOLE.astream_events("Good morning", version="v2")]
    return [event["data"]["chunk"].content for event in told if event["event"] == "on_chat_model_stream"]


def batch() -> Any:
    """Ask three things at once."""
    return [message.content for message in WHOLE.batch(["one", "two", "three"])]


def tools() -> Any:
    """Go once round the loop of tools: calls, their results, the answer."""
    conversation: list[BaseMessage] = [HumanMessage("How is the weather?")]
    called = ARMED.invoke(conversation)
    conversation.append(called)
    by_name = {"weather": weather, "clock": clock}
    conversation.extend(by_name[call["name"]].invoke(call) for call in called.tool_calls)
    return {"called": seen(called), "answer": seen(ARMED.invoke(conversation))}


def tools_streamed() -> Any:
    """The same calls in pieces."""
    chunks: list[AIMessageChunk] = list(ARMED.stream("How is the weather?"))  # type: ignore[arg-type]
    pieces = [piece for chunk in chunks for piece in chunk.tool_call_chunks]
    return {
        "named": [(piece["index"], piece["id"], piece["name"]) for piece in pieces if piece["id"]],
        "pieces": [(piece["index"], piece["args"]) for piece in pieces if piece["args"]],
        "all": seen(summed(chunks)),
    }


def tool_choice() -> Any:
    """Name the tool, ask for any, ask for none."""
    return {
        choice: [c["name"] for c in WHOLE.bind_tools([weather, clock], tool_choice=choice).invoke("weather").tool_calls]
        for choice in ("clock", "any", "none")
    }


def structured() -> Any:
    """Ask for an instance in each of the three ways, whole and streamed."""
    by_words = f"Answer as JSON that fits {Trip.model_json_schema()}".replace("'", '"')
    told = {}
    for method in ("json_schema", "function_calling", "json_mode"):
        asking = WHOLE.with_structured_output(Trip, method=method)  # type: ignore[arg-type]
        told[method] = [asking.invoke(by_words), list(asking.stream(by_words))[-1]]
    return told


def structured_strict() -> Any:
    """Ask for a recursive value by a strict schema, and have the raw reply beside it."""
    asking = WHOLE.with_structured_output(Folder, method="json_schema", strict=True, include_raw=True)
    told: Any = asking.invoke("A folder, please")
    return {"parsed": told["parsed"], "error": told["parsing_error"], "raw": seen(told["raw"])}


def refused() -> Any:
    """Be refused, whole and streamed."""
    return [error_of(lambda: WHOLE.invoke("refuse")), error_of(lambda: list(WHOLE.stream("refuse")))]


def failed() -> Any:
    """Meet a program that fails: before the reply, and amid it."""
    heard: list[Any] = []
    whole = error_of(lambda: WHOLE.invoke("fail"))
    amid = error_of(lambda: heard.extend(chunk.content for chunk in WHOLE.stream("fail")))
    return {"whole": whole, "amid": amid, "heard": heard}


tell(
    invoke,
    ainvoke,
    stream,
    astream,
    events,
    batch,
    tools,
    tools_streamed,
    tool_choice,
    structured,
    structured_strict,
    refused,
    failed,
)
