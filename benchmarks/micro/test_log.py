"""Texts into a run's log, and out of it by its one reader."""

import asyncio

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from mserve.options import Limits
from mserve.runs.log import Log

from .conftest import Finish


def nobody() -> None:
    """Hear of nothing."""


@pytest.mark.parametrize("texts", [1, 16, 255])
def test_say_and_take(benchmark: BenchmarkFixture, finish: Finish, texts: int) -> None:
    async def made() -> Log:
        return Log(Limits(max_answer=10**15), asyncio.get_running_loop(), nobody)

    log: Log = finish(made())
    log.open()
    reader = log.reader(nobody)

    def say_and_take() -> int:
        events, _ = log.lend()
        for _ in range(texts):
            if log.flows or log.tell():
                events.append("word ")
        return len(reader.take())

    assert benchmark(say_and_take) == texts
