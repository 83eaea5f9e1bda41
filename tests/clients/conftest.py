"""The program that knows its answers, served to the official Python client in its strictest setting."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from openai import AsyncOpenAI, OpenAI

from processes import Serve, ServerProcess


@pytest.fixture(scope="module")
def agent(serve_module: Serve) -> ServerProcess:
    return serve_module(Path(__file__).parent / "agent.py")


@pytest.fixture(scope="module")
def sdk(agent: ServerProcess) -> Iterator[OpenAI]:
    with OpenAI(base_url=agent.base_url, api_key="none", max_retries=0, _strict_response_validation=True) as made:
        yield made


@pytest.fixture
async def async_sdk(agent: ServerProcess) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(
        base_url=agent.base_url, api_key="none", max_retries=0, _strict_response_validation=True
    ) as made:
        yield made
