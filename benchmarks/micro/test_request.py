"""A whole request through the app: all that mserve does for it but what a socket takes."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.asking import body
from benchmarks.contenders.program import serve
from mserve import create_app
from mserve.options import Options, Times

from .conftest import Finish
from .host import Asker

BUSY = Options(times=Times(gather=0))
"""No millisecond of waiting for more: a wait costs nothing, and would be most of what is measured."""


@pytest.mark.parametrize("messages", [2, 30])
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_request(benchmark: BenchmarkFixture, finish: Finish, *, stream: bool, messages: int) -> None:
    app = create_app(serve, options=BUSY)
    asked = body("burst 20 0", stream=stream, messages=messages, tools=True)
    told = benchmark(lambda: finish(Asker(asked).ask(app)))
    assert told.count(b" w") == 20
    finish(app.close())


@pytest.mark.parametrize("kind", ["burst", "tick"])
def test_request_of_200_tokens(benchmark: BenchmarkFixture, finish: Finish, kind: str) -> None:
    app = create_app(serve, options=BUSY)
    asked = body(f"{kind} 200 0", stream=True)
    told = benchmark(lambda: finish(Asker(asked).ask(app)))
    assert told.count(b" w") == 200
    finish(app.close())
