"""openai-python, strict, on what goes wrong: refusals, failures before and amid the words, and clients that leave."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openai import (
    APIError,
    APIStatusError,
    APITimeoutError,
    AsyncOpenAI,
    BadRequestError,
    InternalServerError,
    NotFoundError,
    OpenAI,
)

from processes import EXAMPLES, Serve

SECRET = "this text is for the log alone"


def asking(prompt: str, **more: Any) -> dict[str, Any]:
    return {"model": "agent", "messages": [{"role": "user", "content": prompt}], **more}


# ---- refusals


@pytest.mark.parametrize("stream", [True, False])
def test_a_refusal_of_the_program_is_a_bad_request_in_its_words(sdk: OpenAI, *, stream: bool) -> None:
    with pytest.raises(BadRequestError) as refused:
        sdk.chat.completions.create(**asking("refuse"), stream=stream)
    error = refused.value
    assert (error.code, error.param, error.type) == ("refused", "messages", "invalid_request_error")
    assert error.body == {
        "message": "I will not.",
        "type": "invalid_request_error",
        "param": "messages",
        "code": "refused",
    }


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        ({"temperature": "warm"}, "temperature"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "robot", "content": "hi"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"stream_options": {"include_usag": True}}, "stream_options.include_usag"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_what_does_not_fit_is_a_bad_request_that_names_it(
    sdk: OpenAI, sent: dict[str, Any], param: str, *, stream: bool
) -> None:
    with pytest.raises(BadRequestError) as refused:
        sdk.chat.completions.create(**asking("hi") | sent, stream=stream)
    assert (refused.value.param, refused.value.type) == (param, "invalid_request_error")
    assert refused.value.message.startswith(f"Error code: 400 - {param}")


def test_another_content_type_is_refused_by_its_status(sdk: OpenAI) -> None:
    with pytest.raises(APIStatusError) as refused:
        sdk.chat.completions.create(**asking("hi"), extra_headers={"Content-Type": "text/plain"})
    assert refused.value.status_code == 415


def test_an_unknown_model_is_not_found_where_the_server_is_strict(serve: Serve) -> None:
    server = serve(EXAMPLES / "scripted" / "program.py", flags=("--strict-model", "--name", "known"))
    with OpenAI(base_url=server.base_url, api_key="none", max_retries=0, _strict_response_validation=True) as client:
        for ask in (
            lambda: client.chat.completions.create(**asking("hi")),
            lambda: client.chat.completions.create(**asking("hi"), stream=True),
            lambda: client.models.retrieve("agent"),
        ):
            with pytest.raises(NotFoundError) as refused:
                ask()
            assert (refused.value.code, refused.value.type) == ("model_not_found", "invalid_request_error")
        assert client.models.retrieve("known").id == "known"


def test_a_path_that_is_not_there_is_not_found(sdk: OpenAI) -> None:
    with pytest.raises(NotFoundError) as refused:
        sdk.images.generate(prompt="a cat")
    assert refused.value.type == "invalid_request_error"


# ---- failures


@pytest.mark.parametrize("prompt", ["fail", "think and fail"])
def test_a_whole_reply_that_fails_is_a_server_error_without_the_programs_text(sdk: OpenAI, prompt: str) -> None:
    with pytest.raises(InternalServerError) as failed:
        sdk.chat.completions.create(**asking(prompt))
    assert (failed.value.status_code, failed.value.type, failed.value.code) == (500, "server_error", "program_error")
    assert SECRET not in failed.value.response.text


def test_a_program_that_failed_is_not_run_again(serve: Serve) -> None:
    server = serve(Path(__file__).with_name("agent.py"))
    with OpenAI(base_url=server.base_url, api_key="none") as client:
        with pytest.raises(InternalServerError):
            client.chat.completions.create(**asking("fail"))
        client.models.list()
    server.wait_for("GET /v1/models")  # behind all that was told before
    assert server.output.count(f"RuntimeError: {SECRET}") == 1


def test_a_stream_that_fails_is_an_error_behind_the_words_that_were_said(sdk: OpenAI) -> None:
    heard: list[str | None] = []
    with pytest.raises(APIError) as failed, sdk.chat.completions.create(**asking("fail"), stream=True) as stream:
        heard.extend(chunk.choices[0].delta.content for chunk in stream)
    assert heard == [None, "You "]
    assert not isinstance(failed.value, APIStatusError)
    assert (failed.value.type, failed.value.code) == ("server_error", "program_error")
    assert SECRET not in str(failed.value.body)


async def test_the_async_stream_and_both_helpers_raise_it_too(sdk: OpenAI, async_sdk: AsyncOpenAI) -> None:
    with pytest.raises(APIError, match="program"):
        [chunk async for chunk in await async_sdk.chat.completions.create(**asking("fail"), stream=True)]
    with pytest.raises(APIError, match="program"):
        async with async_sdk.chat.completions.stream(**asking("fail")) as stream:
            await stream.get_final_completion()
    with pytest.raises(APIError, match="program"), sdk.chat.completions.stream(**asking("fail")) as helper:
        helper.get_final_completion()


async def test_the_async_client_is_refused_in_the_same_words(async_sdk: AsyncOpenAI) -> None:
    with pytest.raises(BadRequestError, match=r"I will not\."):
        await async_sdk.chat.completions.create(**asking("refuse"))
    with pytest.raises(BadRequestError, match=r"I will not\."):
        await async_sdk.chat.completions.create(**asking("refuse"), stream=True)


# ---- clients that leave. The prompt has so many words that the reply would take eight seconds.

LONG = " slow" * 40


def assert_noticed(client: OpenAI, prompt: str) -> None:
    """The program was told, long before its last word."""
    until = time.monotonic() + 3
    while prompt not in (client.chat.completions.create(**asking("Who left?")).choices[0].message.content or ""):
        assert time.monotonic() < until, f"the server did not notice that {prompt!r} left"
        time.sleep(0.05)


def close(client: OpenAI, prompt: str) -> None:
    stream = client.chat.completions.create(**asking(prompt), stream=True)
    next(stream)
    stream.close()


def leave_the_block(client: OpenAI, prompt: str) -> None:
    with client.chat.completions.create(**asking(prompt), stream=True) as stream:
        for _ in stream:
            break


def leave_the_helper(client: OpenAI, prompt: str) -> None:
    with client.chat.completions.stream(**asking(prompt)) as stream:
        next(stream)


def leave_the_response(client: OpenAI, prompt: str) -> None:
    with client.chat.completions.with_streaming_response.create(**asking(prompt), stream=True) as response:
        next(response.iter_lines())


def lose_patience(client: OpenAI, prompt: str) -> None:
    with pytest.raises(APITimeoutError):
        client.with_options(timeout=0.3).chat.completions.create(**asking(prompt))


@pytest.mark.parametrize("leave", [close, leave_the_block, leave_the_helper, leave_the_response, lose_patience])
def test_the_program_is_told_that_the_client_left(sdk: OpenAI, leave: Callable[[OpenAI, str], None]) -> None:
    prompt = leave.__name__ + LONG
    leave(sdk, prompt)
    assert_noticed(sdk, prompt)


async def test_the_program_is_told_that_an_async_client_left(async_sdk: AsyncOpenAI, sdk: OpenAI) -> None:
    stream = await async_sdk.chat.completions.create(**asking("async close" + LONG), stream=True)
    await anext(stream)
    await stream.close()
    assert_noticed(sdk, "async close" + LONG)


@pytest.mark.parametrize("stream", [True, False])
async def test_the_program_is_told_that_a_task_was_cancelled(
    async_sdk: AsyncOpenAI, sdk: OpenAI, *, stream: bool
) -> None:
    prompt = f"cancelled {stream}" + LONG

    async def ask() -> None:
        reply: Any = await async_sdk.chat.completions.create(**asking(prompt), stream=stream)
        [chunk async for chunk in reply]

    task = asyncio.create_task(ask())
    await asyncio.sleep(0.5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert_noticed(sdk, prompt)
