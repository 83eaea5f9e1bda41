"""A request's bytes to what was asked."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.asking import body
from mserve.protocols import chat_completions


@pytest.mark.parametrize("messages", [2, 30])
def test_decode(benchmark: BenchmarkFixture, messages: int) -> None:
    asked = benchmark(chat_completions.decode, body("hello", stream=True, messages=messages, tools=True))
    (request,) = asked.runs
    assert len(request.messages) == messages
    assert len(request.tools) == 5
