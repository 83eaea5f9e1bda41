"""LlamaIndex's OpenAILike asks the server at the given address, and tells what it saw."""

import sys
from typing import Any

from cases import Folder, Trip, async_error_of, error_of, tell
from llama_index.core.agent.workflow import AgentStream, FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel

LLM = OpenAILike(
    model="agent",
    api_base=sys.argv[1],
    api_key="none",
    is_chat_model=True,
    is_function_calling_model=True,
    max_retries=0,
)
FORMED = LLM.model_copy(update={"should_use_structured_outputs": True})
MORNING = [ChatMessage(role="system", content="Be kind."), ChatMessage(role="user", content="Good morning")]


def weather(city: str, days: int) -> str:
    """Tell the weather."""
    return f"rain in {city} for {days} days"


def clock(zone: str) -> str:
    """Tell the time."""
    return f"noon in {zone}"


class Shelf(BaseModel):
    """A shelf: LlamaIndex takes no schema that is a reference as a whole."""

    top: Folder


TOOLS = [FunctionTool.from_defaults(weather), FunctionTool.from_defaults(clock)]


def chat() -> Any:
    """Ask for words in a conversation."""
    reply = LLM.chat(MORNING)
    return {
        "content": reply.message.content,
        "role": reply.message.role,
        "reason": reply.raw.choices[0].finish_reason,
        "usage": reply.raw.usage.total_tokens,
    }


def stream_chat() -> Any:
    """Hear words as they come."""
    told = list(LLM.stream_chat(MORNING))
    return {"words": [reply.delta for reply in told if reply.delta], "content": told[-1].message.content}


async def achat() -> Any:
    """Ask the async way, whole and streamed."""
    stream = await LLM.astream_chat(MORNING)
    return [(await LLM.achat(MORNING)).message.content, [reply.delta async for reply in stream if reply.delta]]


def complete() -> Any:
    """Ask for words without a conversation, whole and streamed."""
    stream = LLM.stream_complete("Good morning")
    return [LLM.complete("Good morning").text, [reply.delta for reply in stream if reply.delta]]


def predict() -> Any:
    """Ask by a template."""
    return LLM.predict(PromptTemplate("Good {time}"), time="morning")


def tools() -> Any:
    """Let the model choose tools, whole and streamed, and call them."""
    reply = LLM.chat_with_tools(TOOLS, user_msg="How is the weather?", allow_parallel_tool_calls=True)
    *_, last = LLM.stream_chat_with_tools(TOOLS, user_msg="How is the weather?", allow_parallel_tool_calls=True)
    called = [LLM.get_tool_calls_from_response(told) for told in (reply, last)]
    return [[(call.tool_id, call.tool_name, call.tool_kwargs) for call in calls] for calls in called]


def predict_and_call() -> Any:
    """Let the model call a tool at once."""
    return LLM.predict_and_call(TOOLS, user_msg="How is the weather?", allow_parallel_tool_calls=True).response


async def agent() -> Any:
    """Let an agent go round the loop of tools, and follow its words."""
    running = FunctionAgent(tools=list(TOOLS), llm=LLM).run("How is the weather?")
    words = [event.delta async for event in running.stream_events() if isinstance(event, AgentStream) and event.delta]
    done = await running
    return {
        "words": words,
        "answer": done.response.content,
        "results": [str(call.tool_output.content) for call in done.tool_calls],
    }


def structured() -> Any:
    """Ask for instances, by a tool and by `response_format`, whole and streamed."""
    template = PromptTemplate("A plan for the weather, please")
    told: dict[str, Any] = {}
    for name, llm in (("tool", LLM), ("format", FORMED)):
        told[name] = [llm.structured_predict(form, template) for form in (Trip, Shelf)]
    told["class"] = LLM.as_structured_llm(Trip).complete("A plan, please").raw
    told["streamed"] = [list(llm.stream_structured_predict(Trip, template))[-1] for llm in (LLM, FORMED)]
    return told


async def refused() -> Any:
    """Be refused, whole, streamed and async."""
    refuse = [ChatMessage(role="user", content="refuse")]
    return [
        error_of(lambda: LLM.chat(refuse)),
        error_of(lambda: list(LLM.stream_chat(refuse))),
        await async_error_of(LLM.achat(refuse)),
    ]


def failed() -> Any:
    """Meet a program that fails: before the reply, and amid it."""
    fail = [ChatMessage(role="user", content="fail")]
    words: list[Any] = []
    whole = error_of(lambda: LLM.chat(fail))
    amid = error_of(lambda: words.extend(reply.delta for reply in LLM.stream_chat(fail)))
    return {"whole": whole, "amid": amid, "words": words}


tell(chat, stream_chat, achat, complete, predict, tools, predict_and_call, agent, structured, refused, failed)
