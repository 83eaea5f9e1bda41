"""What the micro-benchmarks share: one loop of the kind that the server runs on."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import uvloop

Finish = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def finish() -> Iterator[Finish]:
    """Run a coroutine to its end. Some five microseconds of what is measured by it are the loop's."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield runner.get_loop().run_until_complete
