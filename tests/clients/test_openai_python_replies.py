"""openai-python, strict, on replies in words: whole, streamed, raw, with thoughts and with usage."""

import asyncio
import itertools
import time
from typing import Any

import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletionChunk

from clients.strangers import strangers

HELLO: dict[str, Any] = {"model": "agent", "messages": [{"role": "user", "content": "Good morning"}]}
WORDS = ["You ", "said: ", "Good ", "morning"]
SAID = "".join(WORDS)
USAGE = CompletionUsage(prompt_tokens=7, completion_tokens=5, total_tokens=12)
THINK = HELLO | {"messages": [{"role": "user", "content": "think"}]}
THOUGHTS = {"reasoning_content": "Let me think. ", "reasoning": "Let me think. "}


def of(chunks: list[ChatCompletionChunk], key: str) -> list[Any]:
    """Give what the deltas that have a key have there."""
    deltas = [chunk.choices[0].delta.model_dump(exclude_unset=True) for chunk in chunks]
    return [delta[key] for delta in deltas if key in delta]


# ---- whole and streamed


def test_a_whole_reply_has_all_that_the_types_have_and_nothing_else(sdk: OpenAI) -> None:
    reply = sdk.chat.completions.create(**HELLO)
    [choice] = reply.choices
    assert choice.message.model_dump(exclude_unset=True) == {"role": "assistant", "content": SAID, "refusal": None}
    assert (choice.index, choice.finish_reason, choice.logprobs) == (0, "stop", None)
    assert (reply.object, reply.model, reply.usage) == ("chat.completion", "agent", USAGE)
    assert reply.id.startswith("chatcmpl-")
    assert abs(reply.created - time.time()) < 60
    assert strangers(reply) == []


def test_a_stream_says_the_role_each_word_and_the_reason_in_chunks_of_one_reply(sdk: OpenAI) -> None:
    chunks = list(sdk.chat.completions.create(**HELLO, stream=True))
    deltas = [chunk.choices[0].delta.model_dump(exclude_unset=True) for chunk in chunks]
    assert deltas == [{"role": "assistant"}, *({"content": word} for word in WORDS), {}]
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * 5 + ["stop"]
    assert len({(chunk.id, chunk.created) for chunk in chunks}) == 1
    assert {(chunk.object, chunk.model) for chunk in chunks} == {("chat.completion.chunk", "agent")}
    assert strangers(chunks) == []


def test_words_are_heard_while_the_program_speaks(sdk: OpenAI) -> None:
    asked = HELLO | {"messages": [{"role": "user", "content": "slow words"}]}
    with sdk.chat.completions.create(**asked, stream=True) as stream:
        times = [time.perf_counter() for chunk in stream if chunk.choices[0].delta.content]
    assert len(times) == 4
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) > 0.1


@pytest.mark.parametrize("options", [{}, {"stream_options": {"include_usage": False}}])
def test_usage_that_was_not_asked_for_is_in_no_chunk(sdk: OpenAI, options: dict[str, Any]) -> None:
    for chunk in sdk.chat.completions.create(**HELLO, stream=True, **options):
        assert len(chunk.choices) == 1
        assert "usage" not in chunk.model_fields_set


def test_usage_that_was_asked_for_comes_last_in_a_chunk_of_its_own(sdk: OpenAI) -> None:
    *before, last = sdk.chat.completions.create(**HELLO, stream=True, stream_options={"include_usage": True})
    assert (last.choices, last.usage) == ([], USAGE)
    assert all(chunk.usage is None and chunk.choices for chunk in before)
    assert before[-1].choices[0].finish_reason == "stop"


# ---- thoughts


def test_thoughts_are_apart_from_the_words_of_a_whole_reply(sdk: OpenAI) -> None:
    message = sdk.chat.completions.create(**THINK).choices[0].message
    assert message.model_extra == THOUGHTS
    assert message.content == "You said: think"


def test_thoughts_are_streamed_before_the_words_in_deltas_of_their_own(sdk: OpenAI) -> None:
    chunks = list(sdk.chat.completions.create(**THINK, stream=True))
    keys = [set(chunk.choices[0].delta.model_dump(exclude_unset=True)) for chunk in chunks]
    assert keys == [{"role"}, *([{"reasoning_content", "reasoning"}] * 2), *([{"content"}] * 3), set()]
    assert of(chunks, "reasoning_content") == of(chunks, "reasoning") == ["Let me ", "think. "]
    assert "".join(of(chunks, "content")) == "You said: think"


def test_the_stream_helper_puts_thoughts_and_words_together(sdk: OpenAI) -> None:
    with sdk.chat.completions.stream(**THINK) as stream:
        words = [event.delta for event in stream if event.type == "content.delta"]
        message = stream.get_final_completion().choices[0].message
    assert words == ["You ", "said: ", "think"]
    assert (message.content, message.model_extra) == ("You said: think", THOUGHTS)


# ---- the bytes below


def test_a_raw_reply_has_its_headers_and_parses(sdk: OpenAI) -> None:
    raw = sdk.chat.completions.with_raw_response.create(**HELLO)
    assert raw.status_code == 200
    assert raw.headers["content-type"] == "application/json"
    assert raw.parse().choices[0].message.content == SAID


def test_a_raw_stream_has_its_headers_and_parses(sdk: OpenAI) -> None:
    raw = sdk.chat.completions.with_raw_response.create(**HELLO, stream=True)
    assert raw.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert raw.headers["cache-control"] == "no-cache, no-transform"
    assert of(list(raw.parse()), "content") == WORDS


def test_a_streaming_response_gives_the_lines_and_ends_behind_done(sdk: OpenAI) -> None:
    with sdk.chat.completions.with_streaming_response.create(**HELLO, stream=True) as response:
        lines = list(response.iter_lines())
    frames, blanks = lines[0::2], lines[1::2]
    assert set(blanks) == {""}
    assert len(frames) == len(blanks) == 7
    assert all(frame.startswith('data: {"id":"chatcmpl-') for frame in frames[:-1])
    assert frames[-1] == "data: [DONE]"


def test_a_streaming_response_of_a_whole_reply_is_its_json(sdk: OpenAI) -> None:
    with sdk.chat.completions.with_streaming_response.create(**HELLO) as response:
        assert response.parse().choices[0].message.content == SAID


# ---- models


def test_the_model_is_listed_and_found_and_raw_too(sdk: OpenAI) -> None:
    [listed] = sdk.models.list()
    found = sdk.models.retrieve("agent")
    assert (listed.id, listed.object, strangers(listed)) == ("agent", "model", [])
    assert found == listed
    assert sdk.models.with_raw_response.list().parse().data == [listed]


# ---- the async client


async def test_the_async_client_hears_the_same_whole_and_streamed(async_sdk: AsyncOpenAI, sdk: OpenAI) -> None:
    reply = await async_sdk.chat.completions.create(**HELLO)
    heard = [chunk async for chunk in await async_sdk.chat.completions.create(**HELLO, stream=True)]
    assert reply.choices == sdk.chat.completions.create(**HELLO).choices
    assert [c.choices for c in heard] == [c.choices for c in sdk.chat.completions.create(**HELLO, stream=True)]


async def test_the_async_stream_helper_puts_the_reply_together_with_its_usage(async_sdk: AsyncOpenAI) -> None:
    async with async_sdk.chat.completions.stream(**HELLO, stream_options={"include_usage": True}) as stream:
        words = [event.delta async for event in stream if event.type == "content.delta"]
        final = await stream.get_final_completion()
    assert words == WORDS
    assert (final.choices[0].message.content, final.usage) == (SAID, USAGE)


async def test_an_async_streaming_response_gives_the_lines(async_sdk: AsyncOpenAI) -> None:
    async with async_sdk.chat.completions.with_streaming_response.create(**HELLO, stream=True) as response:
        lines = [line async for line in response.iter_lines()]
    assert lines[-2:] == ["data: [DONE]", ""]
    raw = await async_sdk.chat.completions.with_raw_response.create(**HELLO)
    assert raw.parse().choices[0].message.content == SAID


async def test_replies_that_are_streamed_at_once_do_not_mix(async_sdk: AsyncOpenAI) -> None:
    async def ask(number: int) -> str:
        asked = HELLO | {"messages": [{"role": "user", "content": f"{number} slow"}]}
        stream = await async_sdk.chat.completions.create(**asked, stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    assert await asyncio.gather(*map(ask, range(8))) == [f"You said: {number} slow" for number in range(8)]


async def test_the_async_client_lists_and_finds_the_model(async_sdk: AsyncOpenAI) -> None:
    assert [model.id async for model in async_sdk.models.list()] == ["agent"]
    assert (await async_sdk.models.retrieve("agent")).id == "agent"
