"""A Mellea program whose answer streams. It runs on the model that comes with mserve: no key, no network service."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from mellea.backends import Backend
from mellea.backends.openai import OpenAIBackend
from mellea.core import ModelOutputThunk
from mellea.serve import ChatMessage
from mellea.stdlib import functional
from mellea.stdlib.components import Message
from mellea.stdlib.context import ChatContext

from mserve import local


@asynccontextmanager
async def lifespan() -> AsyncIterator[Backend]:
    """Load the model once, for all requests."""
    async with (
        local.serving() as model,
        aclosing(OpenAIBackend(model.name, base_url=model.base_url, api_key=model.api_key)) as backend,
    ):
        yield backend


async def serve(input: list[ChatMessage], model_options: dict[str, Any], state: Backend) -> ModelOutputThunk[Message]:
    """Answer the last message. The context is made for this request alone: clients must not share one."""
    context = ChatContext()
    for message in input[:-1]:
        role = "tool" if message.role == "function" else message.role
        context = context.add(Message(role, message.get_text_content()))
    question = Message("user", input[-1].get_text_content())
    # The thunk comes back at once, not computed yet, and is filled while it is served.
    thunk, _ = await functional.aact(
        question, context, state, model_options=model_options, silence_context_type_warning=True
    )
    return thunk
