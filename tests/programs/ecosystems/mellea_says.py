import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

from mellea.backends import Backend
from mellea.backends.model_options import ModelOption
from mellea.core import ModelOutputThunk
from mellea.stdlib import functional
from mellea.stdlib.components import Message
from mellea.stdlib.context import ChatContext

from mserve.events import Event, TextDelta
from mserve.program import Call
from mserve.programs.user import load
from mserve.request import Request
from mserve.runs.cancellation import Cancellation
from mserve.transcript import Reply, Transcript

LIMIT = 40.0  # a busy machine slows the model down by far
STREAM = {ModelOption.STREAM: True}


def run(serve: Callable[..., Any]) -> AsyncGenerator[Event, None]:
    request = Request(messages=[{"role": "user", "content": "hello"}])
    return load(serve)[0].run(Call(request=request, cancelled=Cancellation()))


async def events_of(said: object) -> list[Event]:
    async with asyncio.timeout(LIMIT):
        return [event async for event in run(lambda: said)]


def texts(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, TextDelta)]


def reply_of(events: list[Event]) -> Reply:
    transcript = Transcript()
    for event in events:
        transcript.add(event)
    return transcript.reply()


async def thunk_of(backend: Backend, text: str = "Tell me of the sea.", **options: Any) -> ModelOutputThunk[Any]:
    """Start a generation: Mellea's own call, whose thunk is not computed yet."""
    thunk: ModelOutputThunk[Any]
    thunk, _ = await functional.aact(
        Message("user", text), ChatContext(), backend, silence_context_type_warning=True, **options
    )
    return thunk
