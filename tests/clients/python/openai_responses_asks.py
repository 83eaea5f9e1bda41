"""openai-python, strict, of an older version, asks the server at the given address by the Responses API."""

import sys
import time
from typing import Any

from cases import Trip, error_of, tell
from openai import OpenAI, pydantic_function_tool

SDK = OpenAI(base_url=sys.argv[1], api_key="none", max_retries=0, _strict_response_validation=True)
ASK = SDK.responses
TOOL: Any = {"type": "function", **pydantic_function_tool(Trip)["function"]}


def numbers(events: list[Any]) -> list[int]:
    """Tell the numbers of events."""
    return [event.sequence_number for event in events]


def text_of(events: list[Any]) -> str:
    """Put the pieces of an answer together."""
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


def whole() -> Any:
    """Ask for words, thoughts and a refusal."""
    return [
        ASK.create(model="agent", input="Good morning").output_text,
        [item.type for item in ASK.create(model="agent", input="think").output],
        ASK.create(model="agent", input="decline").output[0].content[0].refusal,
    ]


def streamed() -> Any:
    """Hear words as they come, and gathered."""
    events = list(ASK.create(model="agent", input="think", stream=True))
    with ASK.stream(model="agent", input="Good morning") as stream:
        final = stream.get_final_response()
    return [text_of(events), numbers(events) == list(range(len(events))), final.output_text]


def tools() -> Any:
    """Call a tool, and hear it retold."""
    called = ASK.parse(model="agent", input="weather", tools=[TOOL])
    results: Any = [{"type": "function_call_output", "call_id": "call_0", "output": "rain"}]
    answer = ASK.create(model="agent", input=results, previous_response_id=called.id)
    return [called.output[0].parsed_arguments, answer.output_text]


def parsed() -> Any:
    """Ask for an instance, whole and streamed."""
    with ASK.stream(model="agent", input="Please", text_format=Trip) as stream:
        final = stream.get_final_response()
    return [ASK.parse(model="agent", input="Please", text_format=Trip).output_parsed, final.output_parsed]


def background() -> Any:
    """Leave a response alone, and find it when it has ended."""
    reply = ASK.create(model="agent", input="slow one", background=True)
    for _ in range(200):
        if reply.status not in ("queued", "in_progress"):
            break
        time.sleep(0.05)
        reply = ASK.retrieve(reply.id)
    return [reply.status, reply.output_text]


def resumed() -> Any:
    """Leave a stream, and hear the rest of it."""
    heard = []
    with ASK.create(model="agent", input="slow one", background=True, stream=True) as stream:
        for event in stream:
            heard.append(event)
            if len(heard) == 3:
                break
    heard += ASK.retrieve(heard[0].response.id, stream=True, starting_after=2)
    return [text_of(heard), numbers(heard) == list(range(len(heard)))]


def cancelled() -> Any:
    """Cancel one."""
    begun = ASK.create(model="agent", input="slow" + " and on" * 40, background=True)
    return [ASK.cancel(begun.id).status, ASK.retrieve(begun.id).status]


def kept() -> Any:
    """Find a response and its input, and delete it."""
    reply = ASK.create(model="agent", input="Good morning")
    items = [item.content[0].text for item in ASK.input_items.list(reply.id)]
    found = ASK.retrieve(reply.id) == reply
    ASK.delete(reply.id)
    return [items, found, error_of(lambda: ASK.retrieve(reply.id))["status"]]


def conversation() -> Any:
    """Go on in a conversation."""
    made = SDK.conversations.create(items=[{"type": "message", "role": "user", "content": "Hi"}])
    ASK.create(model="agent", input="Good morning", conversation=made.id)
    told = ASK.create(model="agent", input="What was said?", conversation=made.id).output_text
    count = len(list(SDK.conversations.items.list(made.id, limit=2)))
    return [told, count, SDK.conversations.delete(made.id).deleted]


def refused() -> Any:
    """Be refused, whole and streamed."""
    ask = {"model": "agent", "input": "refuse"}
    return [error_of(lambda: ASK.create(**ask)), error_of(lambda: list(ASK.create(**ask, stream=True)))]


tell(whole, streamed, tools, parsed, background, resumed, cancelled, kept, conversation, refused)
