"""LangChain's ChatOpenAI asks the server at the given address by the Responses API, and tells what it saw."""

import sys
from typing import Any

from cases import Trip, error_of, tell
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, custom_tool

SETTINGS: dict[str, Any] = {
    "base_url": sys.argv[1],
    "api_key": "none",
    "model": "agent",
    "max_retries": 0,
    "use_responses_api": True,
}
MODEL = ChatOpenAI(**SETTINGS)
THINKING = ChatOpenAI(**SETTINGS, reasoning={"summary": "auto"})
FOLLOWING = ChatOpenAI(**SETTINGS, use_previous_response_id=True)


@tool
def weather(city: str, days: int) -> str:
    """Tell the weather."""
    return f"rain in {city} for {days} days"


@tool
def clock(zone: str) -> str:
    """Tell the time."""
    return f"noon in {zone}"


@custom_tool
def note(text: str) -> str:
    """Take a note."""
    return f"noted: {text}"


TOOLS = {"weather": weather, "clock": clock, "note": note}


def seen(message: BaseMessage) -> dict[str, Any]:
    """Tell what of a message its users read."""
    assert isinstance(message, AIMessage)
    usage = message.usage_metadata or {}
    return {
        "text": message.text,
        "id": message.response_metadata["id"].split("_")[0],
        "status": message.response_metadata.get("status"),
        "tokens": [usage.get(name) for name in ("input_tokens", "output_tokens", "total_tokens")],
        "calls": [[call["name"], call["args"], call["id"]] for call in message.tool_calls],
    }


def summed(chunks: list[Any]) -> Any:
    """Add chunks up, as LangChain's users do."""
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    return whole


def looped(model: ChatOpenAI, question: str, *names: str) -> list[BaseMessage]:
    """Go once round the loop of tools: calls, their results, the answer."""
    armed = model.bind_tools([TOOLS[name] for name in names])
    called = armed.invoke(question)
    results: list[BaseMessage] = [TOOLS[call["name"]].invoke(call) for call in called.tool_calls]
    return [called, *results, armed.invoke([HumanMessage(question), called, *results])]


def invoke() -> Any:
    """Ask with roles of every kind."""
    asked = [("system", "Be kind."), ("human", "Hi"), ("ai", "Hello"), ("human", "What was said?")]
    return [seen(MODEL.invoke("Good morning")), MODEL.invoke(asked).text]


async def stream() -> Any:
    """Hear words as they come, and the async way."""
    chunks = list(MODEL.stream("Good morning"))
    heard = [chunk async for chunk in MODEL.astream("Good morning")]
    words = [[chunk.text for chunk in all_of if chunk.text] for all_of in (chunks, heard)]
    return {"words": words, "all": [seen(summed(chunks)), seen(summed(heard))]}


def tools() -> Any:
    """Call two tools, and hear them retold; by an id of what was said, too."""
    told = []
    for model in (MODEL, FOLLOWING):
        called, *results, answer = looped(model, "How is the weather?", "weather", "clock")
        told.append({"called": seen(called), "answer": seen(answer), "results": len(results)})
    return told


def tools_streamed() -> Any:
    """The same calls in pieces."""
    chunks = list(MODEL.bind_tools([weather, clock]).stream("How is the weather?"))
    pieces = [piece["args"] for chunk in chunks for piece in chunk.tool_call_chunks if piece["args"]]
    return {"pieces": pieces, "all": seen(summed(chunks))}


def custom() -> Any:
    """Call a tool that takes a text as it is."""
    called, result, answer = looped(MODEL, "Note the weather", "note")
    return [seen(called)["calls"], result.type, answer.text]


def tool_choice() -> Any:
    """Name the tool, ask for any, ask for none."""
    return {
        choice: [c["name"] for c in MODEL.bind_tools([weather, clock], tool_choice=choice).invoke("weather").tool_calls]
        for choice in ("clock", "any", "none")
    }


def previous() -> Any:
    """Go on from the last response, which alone is sent."""
    first = FOLLOWING.invoke("Good morning")
    said = [SystemMessage("Be kind."), HumanMessage("Hi"), first, HumanMessage("What was said?")]
    return FOLLOWING.invoke(said).text


def structured() -> Any:
    """Ask for an instance in two ways, whole and streamed."""
    told = {}
    for method in ("json_schema", "function_calling"):
        asking = MODEL.with_structured_output(Trip, method=method)  # type: ignore[arg-type]
        told[method] = [asking.invoke("Please"), list(asking.stream("Please"))[-1]]
    return told


def thoughts() -> Any:
    """Hear the thoughts apart, whole and streamed."""
    messages = [THINKING.invoke("think"), summed(list(THINKING.stream("think")))]
    return [
        [[block["type"], block.get("reasoning") or block.get("text")] for block in m.content_blocks] for m in messages
    ]


def declined() -> Any:
    """Meet a model that would rather not."""
    message = MODEL.invoke("decline")
    return [message.text, [part["refusal"] for part in message.content]]


def refused() -> Any:
    """Be refused, whole and streamed."""
    return [error_of(lambda: MODEL.invoke("refuse")), error_of(lambda: list(MODEL.stream("refuse")))]


def failed() -> Any:
    """Meet a program that fails before the reply."""
    return error_of(lambda: MODEL.invoke("fail"))


def failed_amid() -> Any:
    """Meet one that fails amid it."""
    heard: list[Any] = []
    return [error_of(lambda: heard.extend(chunk.text for chunk in MODEL.stream("fail"))), heard]


tell(
    invoke,
    stream,
    tools,
    tools_streamed,
    custom,
    tool_choice,
    previous,
    structured,
    thoughts,
    declined,
    refused,
    failed,
    failed_amid,
)
