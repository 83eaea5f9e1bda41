import itertools
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from openai import AsyncOpenAI, BadRequestError, OpenAI
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from processes import EXAMPLES, Serve, ServerProcess

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Tell me of the sea."}]
SHORT: dict[str, Any] = {"model": "any name", "messages": HELLO, "max_tokens": 5, "temperature": 0, "seed": 1}

CLAUSE = SHORT | {"stop": [",", ".", "\n"], "max_tokens": 60}  # the SDK's helper takes no reply that was cut


@pytest.fixture(scope="module")
def server(serve_module: Serve) -> ServerProcess:
    return serve_module(EXAMPLES / "streaming" / "program.py", flags=("--name", "streaming"))


@pytest.fixture(scope="module")
def client(server: ServerProcess) -> Iterator[OpenAI]:
    with OpenAI(base_url=server.base_url, api_key="none", max_retries=0, _strict_response_validation=True) as made:
        yield made


@pytest.fixture
async def async_client(server: ServerProcess) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(
        base_url=server.base_url, api_key="none", max_retries=0, _strict_response_validation=True
    ) as made:
        yield made


@pytest.fixture(scope="module")
def chunks(client: OpenAI) -> list[ChatCompletionChunk]:
    return list(client.chat.completions.create(**SHORT, stream=True))


def text_of(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


# ---- a stream


def test_the_first_and_the_last_delta_have_no_content_and_all_others_have(chunks: list[ChatCompletionChunk]) -> None:
    first, *between, last = (chunk.choices[0].delta for chunk in chunks)
    assert (first.role, first.content) == ("assistant", None)
    assert (last.role, last.content) == (None, None)
    assert all(delta.content and delta.role is None for delta in between)


def test_each_token_is_a_chunk(chunks: list[ChatCompletionChunk]) -> None:
    assert len(chunks) == 1 + 5 + 1


def test_the_reason_comes_once_and_last(chunks: list[ChatCompletionChunk]) -> None:
    reasons = [chunk.choices[0].finish_reason for chunk in chunks]
    assert reasons == [None] * 6 + ["length"]


def test_id_time_and_model_are_the_same_throughout(chunks: list[ChatCompletionChunk]) -> None:
    [(identity, created, model)] = {(chunk.id, chunk.created, chunk.model) for chunk in chunks}
    assert identity.startswith("chatcmpl-")
    assert abs(created - time.time()) < 60
    assert model == "any name"


def test_each_reply_has_an_id_of_its_own(client: OpenAI, chunks: list[ChatCompletionChunk]) -> None:
    assert client.chat.completions.create(**SHORT).id != chunks[0].id


def test_tokens_arrive_while_the_model_speaks(client: OpenAI) -> None:
    with client.chat.completions.create(**SHORT | {"max_tokens": 12}, stream=True) as stream:
        times = [time.perf_counter() for _ in stream]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert sum(gap > 0.001 for gap in gaps) >= 2


@pytest.mark.parametrize("stream", [True, False])
def test_a_stop_sequence_ends_the_reply_with_stop(client: OpenAI, *, stream: bool) -> None:
    sent = SHORT | {"stop": [" "], "max_tokens": 50}
    if stream:
        chunks = list(client.chat.completions.create(**sent, stream=True))
        text, reason = text_of(chunks), chunks[-1].choices[0].finish_reason
    else:
        choice = client.chat.completions.create(**sent).choices[0]
        text, reason = choice.message.content or "", choice.finish_reason
    assert reason == "stop"
    assert text
    assert " " not in text


# ---- the same, whole


def test_a_whole_reply_has_the_text_of_the_stream(client: OpenAI, chunks: list[ChatCompletionChunk]) -> None:
    reply = client.chat.completions.create(**SHORT, stream=False)
    [choice] = reply.choices
    assert choice.message.content == text_of(chunks)
    assert choice.message.role == "assistant"
    assert choice.message.tool_calls is None
    assert choice.finish_reason == "length"
    assert reply.model == "any name"
    assert reply.object == "chat.completion"


def test_usage_is_told_once_where_it_was_asked_for_and_is_that_of_the_whole_reply(client: OpenAI) -> None:
    *before, last = client.chat.completions.create(**SHORT, stream=True, stream_options={"include_usage": True})
    whole = client.chat.completions.create(**SHORT).usage
    assert last.choices == []
    assert last.usage is not None
    assert whole is not None
    assert (last.usage.prompt_tokens, last.usage.completion_tokens) == (whole.prompt_tokens, 5)
    assert last.usage.total_tokens == last.usage.prompt_tokens + 5
    assert all(chunk.usage is None and chunk.choices for chunk in before)


@pytest.mark.parametrize("options", [{}, {"stream_options": {"include_usage": False}}])
def test_usage_that_was_not_asked_for_is_not_told(client: OpenAI, options: dict[str, Any]) -> None:
    for chunk in client.chat.completions.create(**SHORT, stream=True, **options):
        assert chunk.usage is None
        assert len(chunk.choices) == 1


# ---- the SDK's other ways


def test_the_stream_helper_puts_the_reply_together(client: OpenAI) -> None:
    with client.chat.completions.stream(**CLAUSE, stream_options={"include_usage": True}) as stream:
        deltas = [event.delta for event in stream if event.type == "content.delta"]
    final = stream.get_final_completion()
    assert len(deltas) > 1
    assert "".join(deltas) == final.choices[0].message.content
    assert final.choices[0].finish_reason == "stop"
    assert final.usage is not None
    assert final.usage.completion_tokens >= len(deltas)


async def test_the_async_client_hears_the_same(async_client: AsyncOpenAI, chunks: list[ChatCompletionChunk]) -> None:
    stream = await async_client.chat.completions.create(**SHORT, stream=True)
    heard = [chunk async for chunk in stream]
    assert [chunk.choices for chunk in heard] == [chunk.choices for chunk in chunks]


async def test_the_async_stream_helper_puts_the_reply_together(async_client: AsyncOpenAI) -> None:
    async with async_client.chat.completions.stream(**CLAUSE) as stream:
        deltas = [event.delta async for event in stream if event.type == "content.delta"]
        final = await stream.get_final_completion()
    assert final.choices[0].message.content == "".join(deltas) != ""


def test_a_conversation_with_every_role_is_answered(client: OpenAI) -> None:
    messages: list[ChatCompletionMessageParam] = [
        {"role": "developer", "content": "Be brief."},
        {"role": "system", "content": [{"type": "text", "text": "Be kind."}]},
        {"role": "user", "content": "How is Oslo?"},
        {
            "role": "assistant",
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "weather", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "sunny"},
        {"role": "user", "content": [{"type": "text", "text": "And now?"}]},
    ]
    assert client.chat.completions.create(**SHORT | {"messages": messages}).choices[0].message.content


def test_the_model_is_listed_and_found(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["streaming"]
    assert client.models.retrieve("streaming").id == "streaming"


# ---- refusals


@pytest.mark.parametrize("stream", [True, False])
def test_an_unknown_stream_option_is_a_bad_request_that_names_it(client: OpenAI, *, stream: bool) -> None:
    with pytest.raises(BadRequestError) as refused:
        client.chat.completions.create(**SHORT, stream=stream, extra_body={"stream_options": {"include_usag": True}})
    assert refused.value.param == "stream_options.include_usag"
    assert refused.value.type == "invalid_request_error"
