"""Mellea's instruct, validate, repair: an answer is checked against requirements, and tried again where it fails."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from mellea.backends import Backend
from mellea.backends.openai import OpenAIBackend
from mellea.core import SamplingResult
from mellea.serve import ChatMessage
from mellea.stdlib import functional
from mellea.stdlib.context import SimpleContext
from mellea.stdlib.requirements import req, simple_validate
from mellea.stdlib.sampling import RejectionSamplingStrategy

from mserve import local

REQUIREMENTS = [
    req("The answer is one paragraph.", validation_fn=simple_validate(lambda text: "\n\n" not in text.strip())),
    req("The answer has at most 60 words.", validation_fn=simple_validate(lambda text: len(text.split()) <= 60)),
]


@asynccontextmanager
async def lifespan() -> AsyncIterator[Backend]:
    """Load the model once, for all requests."""
    async with (
        local.serving() as model,
        aclosing(OpenAIBackend(model.name, base_url=model.base_url, api_key=model.api_key)) as backend,
    ):
        yield backend


async def serve(
    input: list[ChatMessage], requirements: list[str], model_options: dict[str, Any], state: Backend
) -> SamplingResult[str]:
    """Answer by the requirements of the program, and by those that the client sends as `requirements`."""
    return await functional.ainstruct(
        input[-1].get_text_content(),
        SimpleContext(),
        state,
        requirements=[*REQUIREMENTS, *requirements],
        strategy=RejectionSamplingStrategy(loop_budget=3),
        return_sampling_results=True,
        model_options=model_options,
    )
