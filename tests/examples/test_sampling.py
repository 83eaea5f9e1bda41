import re

import pytest
from openai import OpenAI

from examples.asking import ask
from processes import EXAMPLES, Serve, ServerProcess


@pytest.fixture(scope="module")
def server(serve_module: Serve) -> ServerProcess:
    return serve_module(EXAMPLES / "sampling" / "program.py", flags=("--name", "sampling"))


def test_the_client_prints_an_answer_and_what_all_attempts_spent(server: ServerProcess) -> None:
    assert re.fullmatch(
        r".*\w.*\n\[\d+ tokens, all attempts together\]\n", ask("sampling", server, "Name a colour."), re.DOTALL
    )


def test_an_answer_that_is_sampled_streams_as_its_finished_value(server: ServerProcess) -> None:
    client = OpenAI(base_url=server.base_url, api_key="none", _strict_response_validation=True)
    chunks = list(
        client.chat.completions.create(
            model="sampling",
            messages=[{"role": "user", "content": "Name a colour."}],
            max_tokens=8,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    texts = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert len(texts) == 1
    assert chunks[-1].usage is not None
    assert 1 <= chunks[-1].usage.completion_tokens <= 3 * 8
