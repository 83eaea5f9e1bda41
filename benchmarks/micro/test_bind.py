"""A request to the arguments of a program."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.asking import body
from mserve.options import Limits
from mserve.program import Call
from mserve.programs.bind import bind
from mserve.protocols import chat_completions


class Never:
    """A request that is not cancelled."""

    def is_set(self) -> bool:
        return False

    async def wait(self) -> None:
        raise NotImplementedError


def prompt_alone(prompt: str) -> str:
    return prompt


def what_most_take(messages: list[Any], temperature: float = 1.0, tools: Any = None, max_tokens: int = 0) -> None: ...


def all_there_is(prompt: str, **sent: Any) -> None: ...


@pytest.mark.parametrize(
    ("serve", "names"),
    [
        (prompt_alone, {"prompt"}),
        (what_most_take, {"messages", "temperature", "tools"}),
        (all_there_is, {"prompt", "model", "temperature", "stream", "tools", "tool_choice"}),
    ],
    ids=["a prompt", "what most take", "all there is"],
)
def test_bind(benchmark: BenchmarkFixture, serve: Callable[..., Any], names: set[str]) -> None:
    (request,) = chat_completions.decode(body("hello", stream=True, tools=True), Limits()).runs
    binding = bind(serve, "here")
    given = benchmark(binding.arguments, Call(request=request, cancelled=Never()))
    assert set(given) == names
