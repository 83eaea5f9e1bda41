"""Where clients find reasoning: in fields of its own, or in the text, as the operator decides."""

import json
from typing import Any

import httpx
import pytest

from processes import Serve, ServerProcess

PROGRAM = """
from mserve import ReasoningDelta, ToolCallStart, Usage

async def serve(prompt):
    if prompt == "text alone":
        yield "yes"
        return
    yield ReasoningDelta("one ")
    yield Usage(1, 1)
    yield ReasoningDelta("two")
    if prompt == "call":
        yield ToolCallStart("1", "f")
    if prompt == "twice":
        yield "a"
        yield ReasoningDelta("three")
    if prompt == "json":
        yield '{"a": "<think>"}'
    elif prompt != "thought alone":
        yield "yes"
"""
THOUGHT = "<think>\none two\n</think>\n\n"


@pytest.fixture(scope="module")
def server(serve_module: Serve) -> ServerProcess:
    return serve_module(PROGRAM, flags=("--reasoning-format", "think"))


def ask(server: ServerProcess, prompt: str, **fields: Any) -> httpx.Response:
    body = {"messages": [{"role": "user", "content": prompt}], **fields}
    return httpx.post(f"{server.base_url}/chat/completions", json=body)


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("text alone", "yes"),
        ("thought alone", THOUGHT),
        ("both", f"{THOUGHT}yes"),
        ("call", f"{THOUGHT}yes"),
        ("twice", f"{THOUGHT}a<think>\nthree\n</think>\n\nyes"),
    ],
)
def test_thoughts_stand_in_the_text(server: ServerProcess, prompt: str, text: str) -> None:
    message = ask(server, prompt).json()["choices"][0]["message"]
    assert message["content"] == text
    assert "reasoning" not in message
    assert "reasoning_content" not in message
    lines = [line for line in ask(server, prompt, stream=True).text.splitlines() if line.startswith("data: {")]
    deltas = [json.loads(line.removeprefix("data: "))["choices"][0]["delta"] for line in lines]
    assert "".join(delta.get("content", "") for delta in deltas) == text
    assert not any("reasoning" in key for delta in deltas for key in delta)


def test_a_text_that_is_to_be_json_has_no_thoughts_in_it(server: ServerProcess) -> None:
    reply = ask(server, "json", response_format={"type": "json_object"})
    assert reply.status_code == 200
    message = reply.json()["choices"][0]["message"]
    assert (message["content"], message["reasoning_content"]) == ('{"a": "<think>"}', "one two")


def test_the_older_endpoint_has_the_thoughts_too(server: ServerProcess) -> None:
    reply = httpx.post(f"{server.base_url}/completions", json={"prompt": "both"})
    assert reply.json()["choices"][0]["text"] == f"{THOUGHT}yes"


def test_without_the_option_they_have_fields_of_their_own(serve: Serve) -> None:
    message = ask(serve(PROGRAM), "both").json()["choices"][0]["message"]
    assert (message["content"], message["reasoning_content"], message["reasoning"]) == ("yes", "one two", "one two")
