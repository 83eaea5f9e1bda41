import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import OpenAI, UnprocessableEntityError
from openai.types.chat import ChatCompletionToolParam

from examples.asking import ask
from processes import EXAMPLES, Serve, ServerProcess

TELLING = """
from mserve import ClientError, Finish, ReasoningDelta, Usage

async def serve(request, top_k=None):
    if top_k == -1:
        raise ClientError("top_k: expected a positive number", 422, param="top_k")
    yield ReasoningDelta("hm")
    for word in (request.model, request.temperature, top_k):
        yield f"{word} "
    yield Finish("length")
    yield Usage(3, 2, cached_tokens=1)
"""
WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"properties": {"city": {"type": "string"}}}},
}


def passthrough(serve: Serve, upstream: str | Path) -> ServerProcess:
    behind = serve(upstream)
    env = {"UPSTREAM_BASE_URL": behind.base_url, "UPSTREAM_MODEL": "upstream"}
    return serve(EXAMPLES / "openai_passthrough" / "program.py", flags=("--name", "passthrough"), env=env)


def test_what_the_server_behind_refuses_is_told_to_the_client(telling: ServerProcess) -> None:
    with pytest.raises(UnprocessableEntityError) as caught:
        client_of(telling).chat.completions.create(
            model="m", messages=[{"role": "user", "content": "x"}], extra_body={"top_k": -1}
        )
    assert caught.value.param == "top_k"


def client_of(server: ServerProcess) -> OpenAI:
    return OpenAI(base_url=server.base_url, api_key="none", _strict_response_validation=True)


@pytest.fixture(scope="module")
def tools(serve_module: Serve) -> ServerProcess:
    return passthrough(serve_module, EXAMPLES / "tools" / "program.py")


@pytest.fixture(scope="module")
def telling(serve_module: Serve) -> ServerProcess:
    return passthrough(serve_module, TELLING)


def test_the_client_prints_what_the_server_behind_says(telling: ServerProcess) -> None:
    assert ask("openai_passthrough", telling) == "upstream None None \n"


def test_texts_pass_one_by_one(telling: ServerProcess) -> None:
    chunks = client_of(telling).chat.completions.create(
        model="passthrough", messages=[{"role": "user", "content": "hello"}], stream=True
    )
    texts = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices[0].delta.content]
    assert texts == ["upstream ", "None ", "None "]


def test_calls_of_the_clients_tools_pass(tools: ServerProcess) -> None:
    assert ask("tools", tools) == "[get_weather is asked about Lisbon]\nThe tool says: sunny in Lisbon\n"


def test_calls_pass_piece_by_piece(tools: ServerProcess) -> None:
    chunks = client_of(tools).chat.completions.create(
        model="passthrough", messages=[{"role": "user", "content": "In Rome"}], tools=[WEATHER], stream=True
    )
    calls = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or ()]
    pieces = [call.function.arguments for call in calls if call.function and call.function.arguments]
    assert len(pieces) > 1
    assert json.loads("".join(pieces)) == {"city": "Rome"}


@pytest.mark.parametrize("stream", [True, False])
def test_fields_reasoning_reason_and_usage_pass(telling: ServerProcess, *, stream: bool) -> None:
    sent: dict[str, Any] = {"temperature": 0.5, "top_k": 7, "stream": stream, "stream_options": {"include_usage": True}}
    sent["messages"] = [{"role": "user", "content": "hello"}]
    body = httpx.post(f"{telling.base_url}/chat/completions", json=sent).text
    for told in ("upstream ", "0.5 ", "7 ", '"reasoning_content":"hm"', '"finish_reason":"length"'):
        assert told in body
    assert '"prompt_tokens":3,"completion_tokens":2,"total_tokens":5' in body
    assert '"cached_tokens":1' in body


def test_usage_that_was_not_asked_for_stays_out(telling: ServerProcess) -> None:
    chunks = client_of(telling).chat.completions.create(
        model="passthrough", messages=[{"role": "user", "content": "hello"}], stream=True
    )
    assert all(chunk.choices and chunk.usage is None for chunk in chunks)
