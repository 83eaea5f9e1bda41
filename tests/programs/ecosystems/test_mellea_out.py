import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from mellea.backends import Backend
from mellea.backends.model_options import ModelOption
from mellea.backends.openai import OpenAIBackend
from mellea.core import ModelOutputThunk, PartialValidationResult, Requirement, SamplingResult
from mellea.stdlib import functional
from mellea.stdlib.components import Message
from mellea.stdlib.context import ChatContext, SimpleContext
from mellea.stdlib.requirements import req, simple_validate
from mellea.stdlib.sampling import RejectionSamplingStrategy
from mellea.stdlib.streaming import EventStreamer, Streamer, stream

from mserve.events import Event, Finish, TextDelta, Usage
from mserve.local import LocalModel
from programs.ecosystems.mellea_says import LIMIT, STREAM, events_of, reply_of, run, texts, thunk_of

TOKENS = 8


@pytest.fixture(scope="module")
async def backend(embedded: LocalModel) -> AsyncIterator[OpenAIBackend]:
    options = {ModelOption.MAX_NEW_TOKENS: TOKENS, ModelOption.SEED: 1, ModelOption.TEMPERATURE: 0}
    made = OpenAIBackend(embedded.name, base_url=embedded.base_url, api_key=embedded.api_key, model_options=options)
    yield made
    await made.aclose()


def assert_ends_at_the_limit(events: list[Event]) -> None:
    *_, usage, finish = events
    assert isinstance(usage, Usage)
    assert usage.input_tokens > usage.cached_tokens >= 0
    assert usage.output_tokens == TOKENS
    assert finish == Finish("length")


# ---- thunks on a real model


async def test_each_token_of_a_streamed_thunk_is_its_own_delta(backend: OpenAIBackend) -> None:
    thunk = await thunk_of(backend, model_options=STREAM)
    events = await events_of(thunk)
    assert len(texts(events)) > TOKENS / 2
    assert_ends_at_the_limit(events)


async def test_deltas_join_to_the_thunks_value(backend: OpenAIBackend) -> None:
    thunk = await thunk_of(backend, model_options=STREAM)
    assert "".join(texts(await events_of(thunk))) == thunk.value != ""


@pytest.mark.parametrize("computed", [False, True])
async def test_a_thunk_that_does_not_stream_is_one_delta(backend: OpenAIBackend, *, computed: bool) -> None:
    thunk = await thunk_of(backend, await_result=computed)
    events = await events_of(thunk)
    assert texts(events) == [thunk.value]
    assert len(events) == 3
    assert_ends_at_the_limit(events)


async def test_a_thunk_is_the_same_streamed_and_whole(backend: OpenAIBackend) -> None:
    streamed = reply_of(await events_of(await thunk_of(backend, model_options=STREAM)))
    assert streamed.text == reply_of(await events_of(await thunk_of(backend))).text


async def busy(model: LocalModel) -> bool:
    url = f"{model.base_url.removesuffix('/v1')}/slots"
    async with httpx.AsyncClient() as client:
        slots = (await client.get(url, headers={"Authorization": f"Bearer {model.api_key}"})).json()
    return any(slot["is_processing"] for slot in slots)


@pytest.mark.parametrize("reading", [True, False])
async def test_closing_early_ends_the_backends_generation(
    backend: OpenAIBackend, embedded: LocalModel, *, reading: bool
) -> None:
    thunk = await thunk_of(backend, model_options=STREAM | {ModelOption.MAX_NEW_TOKENS: 2000})
    events = run(lambda: thunk)
    async with asyncio.timeout(LIMIT):
        await anext(events)
        while not reading and not thunk._gen.queue.full():
            await asyncio.sleep(0.01)
        assert await busy(embedded)
        await events.aclose()
        while await busy(embedded):
            await asyncio.sleep(0.01)
    assert thunk.cancelled


async def test_a_sync_programs_instruction_is_its_finished_value(backend: OpenAIBackend) -> None:
    said: list[ModelOutputThunk[str]] = []

    def serve() -> ModelOutputThunk[str]:
        thunk, _ = functional.instruct("Name a colour.", SimpleContext(), backend, strategy=None)
        said.append(thunk)
        return thunk

    events = [event async for event in run(serve)]
    assert texts(events) == [said[0].value]
    assert reply_of(events).reason == "length"


async def test_usage_of_all_samples_is_summed_and_the_chosen_one_is_said(backend: OpenAIBackend) -> None:
    result: SamplingResult[str] = await functional.ainstruct(
        "Name a colour.",
        SimpleContext(),
        backend,
        requirements=[req("never met", validation_fn=simple_validate(lambda _text: False))],
        strategy=RejectionSamplingStrategy(loop_budget=2),
        return_sampling_results=True,
    )
    events = await events_of(result)
    reply = reply_of(events)
    assert texts(events) == [result.value]
    spent = [sample.generation.usage or {} for sample in result.sample_generations]
    assert len(spent) == 2
    assert reply.usage is not None
    assert reply.usage.input_tokens == sum(usage["prompt_tokens"] for usage in spent)
    assert reply.usage.output_tokens == sum(usage["completion_tokens"] for usage in spent)


# ---- Mellea's streams


class Stops(Requirement):
    """Fails at the second chunk."""

    def __init__(self) -> None:
        super().__init__("stops")
        self.seen = 0

    async def _stream_validate(self, *_args: Any, **_options: Any) -> PartialValidationResult:
        self.seen += 1
        return PartialValidationResult("fail" if self.seen > 1 else "unknown")


async def stream_of(
    backend: Backend, *, as_events: bool, chunking: str | None = None, requirements: list[Requirement] | None = None
) -> Streamer | EventStreamer:
    question = Message("user", "Say hello to the sea. Then say goodbye.")
    return await stream(
        question, backend, ChatContext(), chunking=chunking, requirements=requirements, as_events=as_events
    )


@pytest.mark.parametrize("as_events", [False, True])
@pytest.mark.parametrize("chunking", [None, "word"])
async def test_a_stream_is_said_chunk_by_chunk_with_the_white_space_between(
    backend: OpenAIBackend, *, as_events: bool, chunking: str | None
) -> None:
    streamer = await stream_of(backend, as_events=as_events, chunking=chunking)
    events = await events_of(streamer)
    assert "".join(texts(events)).rstrip() == streamer.full_text.rstrip() != ""
    assert " " in streamer.full_text
    assert len(texts(events)) > 1
    assert_ends_at_the_limit(events)


@pytest.mark.parametrize("as_events", [False, True])
async def test_a_stream_that_a_requirement_stops_is_cut(backend: OpenAIBackend, *, as_events: bool) -> None:
    streamer = await stream_of(backend, as_events=as_events, chunking="word", requirements=[Stops()])
    events = await events_of(streamer)
    assert streamer.failed_early
    assert events == [TextDelta(streamer.full_text), Finish("content_filter")]


async def test_a_streams_events_may_be_said_one_by_one(backend: OpenAIBackend) -> None:
    streamer = await stream_of(backend, as_events=True)

    async def serve() -> AsyncIterator[object]:
        async for event in streamer:
            yield event

    events = [event async for event in run(serve)]
    assert events == [TextDelta(text) for text in texts(events)]
    assert "".join(texts(events)) == streamer.full_text != ""


async def test_a_message_as_a_session_gives_it_is_its_text() -> None:
    assert await events_of(Message("assistant", "hello")) == [TextDelta("hello")]
