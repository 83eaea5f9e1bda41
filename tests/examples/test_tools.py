import json

import pytest
from openai import OpenAI

from examples.asking import ask
from processes import EXAMPLES, Serve, ServerProcess


@pytest.fixture(scope="module")
def server(serve_module: Serve) -> ServerProcess:
    return serve_module(EXAMPLES / "tools" / "program.py", flags=("--name", "tools"))


@pytest.fixture(scope="module")
def client(server: ServerProcess) -> OpenAI:
    return OpenAI(base_url=server.base_url, api_key="none", _strict_response_validation=True)


def test_the_client_answers_the_call_and_prints_what_the_program_makes_of_it(server: ServerProcess) -> None:
    assert ask("tools", server) == "[get_weather is asked about Lisbon]\nThe tool says: sunny in Lisbon\n"


def test_the_sdk_puts_a_streamed_call_together(client: OpenAI) -> None:
    properties: dict[str, object] = {"properties": {"city": {"type": "string"}}}
    with client.chat.completions.stream(
        model="tools",
        messages=[{"role": "user", "content": "How is Oslo?"}],
        tools=[{"type": "function", "function": {"name": "get_weather", "parameters": properties}}],
    ) as stream:
        choice = stream.get_final_completion().choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    [call] = choice.message.tool_calls or []
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == {"city": "Oslo"}


def test_without_tools_there_is_an_answer(client: OpenAI) -> None:
    reply = client.chat.completions.create(model="tools", messages=[{"role": "user", "content": "How is Oslo?"}])
    assert reply.choices[0].message.content == "I have no tools to ask."
    assert reply.choices[0].finish_reason == "stop"
