"""What a program says to events, 200 tokens at a time: pulled one by one, and by the short way into the log."""

import asyncio
from collections.abc import AsyncIterator, Iterator

from pytest_benchmark.fixture import BenchmarkFixture

from mserve.options import Limits
from mserve.programs.adapt import adapt
from mserve.runs.log import Log

from .conftest import Finish
from .test_log import nobody

TOKENS = ["word "] * 200


async def stream() -> AsyncIterator[str]:
    for token in TOKENS:
        yield token


def blocking() -> Iterator[str]:
    yield from TOKENS


def test_adapt_pulled(benchmark: BenchmarkFixture, finish: Finish) -> None:
    async def pulled() -> int:
        return len([event async for event in adapt(stream, sync=False, name="program")])

    assert benchmark(lambda: finish(pulled())) == len(TOKENS)


def test_adapt_said(benchmark: BenchmarkFixture, finish: Finish) -> None:
    async def said() -> int:
        log = Log(Limits(), asyncio.get_running_loop(), nobody)
        log.open()
        log.reader(nobody)
        return len([event async for event in adapt(stream, sync=False, name="program", line=log)])

    assert benchmark(lambda: finish(said())) == 1  # the first is an event, and goes the long way


def test_adapt_on_a_thread(benchmark: BenchmarkFixture, finish: Finish) -> None:
    async def pulled() -> int:
        return len([event async for event in adapt(blocking, sync=True, name="program")])

    assert benchmark(lambda: finish(pulled())) == len(TOKENS)
