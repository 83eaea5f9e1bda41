"""openai-python, strict, on the Responses API: replies in words, thoughts and refusals, whole, streamed and failed."""

import asyncio
import itertools
import time
from collections.abc import Iterable
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.responses import ResponseStreamEvent

from clients.strangers import OPEN_RESPONSES, strangers

WORDS = ["You ", "said: ", "Good ", "morning"]
SAID = "".join(WORDS)
HELLO: dict[str, Any] = {"model": "agent", "input": "Good morning"}
THINK: dict[str, Any] = {"model": "agent", "input": "think"}
DECLINED = ["I ", "would ", "rather ", "not."]
BEGIN = ["response.created", "response.in_progress"]
SPOKEN = [
    *("response.output_item.added", "response.content_part.added"),
    *["response.output_text.delta"] * 4,
    *("response.output_text.done", "response.content_part.done", "response.output_item.done"),
]


def deltas(events: Iterable[ResponseStreamEvent], kind: str) -> list[str]:
    return [getattr(event, "delta") for event in events if event.type == f"response.{kind}.delta"]  # noqa: B009


# ---- whole and streamed


def test_a_whole_reply_has_all_that_the_types_have_and_nothing_else(sdk: OpenAI) -> None:
    reply = sdk.responses.create(**HELLO)
    [item] = reply.output
    assert item.type == "message"
    assert (item.role, item.status) == ("assistant", "completed")
    assert [part.model_dump() for part in item.content] == [
        {"type": "output_text", "text": SAID, "annotations": [], "logprobs": []}
    ]
    assert reply.usage is not None
    assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.total_tokens) == (7, 5, 12)
    assert (reply.status, reply.model, reply.error, reply.output_text) == ("completed", "agent", None, SAID)
    assert reply.id.startswith("resp_")
    assert item.id.startswith("msg_")
    assert abs(reply.created_at - time.time()) < 60
    assert strangers(reply, OPEN_RESPONSES) == []


def test_a_stream_has_each_event_in_its_order_and_number(sdk: OpenAI) -> None:
    events = list(sdk.responses.create(**HELLO, stream=True))
    assert [event.type for event in events] == [*BEGIN, *SPOKEN, "response.completed"]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert deltas(events, "output_text") == WORDS
    assert strangers(events, OPEN_RESPONSES) == []


def test_all_events_tell_of_one_response_and_one_item(sdk: OpenAI) -> None:
    events = list(sdk.responses.create(**HELLO, stream=True))
    told = [event.response for event in events if hasattr(event, "response")]
    items = {getattr(event, "item_id", None) or event.item.id for event in events if not hasattr(event, "response")}
    assert len({response.id for response in told}) == 1
    assert [response.status for response in told] == ["in_progress", "in_progress", "completed"]
    assert [response.output_text for response in told] == ["", "", SAID]
    assert items == {told[-1].output[0].id}


def test_words_are_heard_while_the_program_speaks(sdk: OpenAI) -> None:
    with sdk.responses.create(model="agent", input="slow words", stream=True) as stream:
        times = [time.perf_counter() for event in stream if event.type == "response.output_text.delta"]
    assert len(times) == 4
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) > 0.1


def test_the_stream_helper_gathers_the_words(sdk: OpenAI) -> None:
    with sdk.responses.stream(**HELLO) as stream:
        events = list(stream)
        final = stream.get_final_response()
    words = [event for event in events if event.type == "response.output_text.delta"]
    assert [event.delta for event in words] == WORDS
    assert [event.snapshot for event in words] == list(itertools.accumulate(WORDS))
    assert (final.output_text, final.status) == (SAID, "completed")


async def test_the_async_client_hears_the_same(async_sdk: AsyncOpenAI) -> None:
    whole = await async_sdk.responses.create(**HELLO)
    chunks = [event async for event in await async_sdk.responses.create(**HELLO, stream=True)]
    async with async_sdk.responses.stream(**HELLO) as stream:
        final = await stream.get_final_response()
    assert (whole.output_text, deltas(chunks, "output_text"), final.output_text) == (SAID, WORDS, SAID)


async def test_eight_streams_at_once_get_their_own_words(async_sdk: AsyncOpenAI) -> None:
    async def ask(number: int) -> str:
        stream = await async_sdk.responses.create(model="agent", input=f"{number} slow", stream=True)
        return "".join(deltas([event async for event in stream], "output_text"))

    assert await asyncio.gather(*map(ask, range(8))) == [f"You said: {number} slow" for number in range(8)]


def test_the_lines_of_a_stream_name_and_number_each_event(sdk: OpenAI) -> None:
    with sdk.responses.with_streaming_response.create(**HELLO, stream=True) as response:
        kind = response.headers["content-type"]
        text = "".join(f"{line}\n" for line in response.iter_lines())
    *frames, end = text.split("\n\n")
    named = [dict(line.split(": ", 1) for line in frame.split("\n")) for frame in frames]
    assert kind == "text/event-stream; charset=utf-8"
    assert [frame["event"] for frame in named] == [*BEGIN, *SPOKEN, "response.completed"]
    assert [int(frame["id"]) for frame in named] == list(range(len(frames)))
    assert end == ""


# ---- what is asked


def test_a_conversation_comes_as_messages_with_its_instructions_first(sdk: OpenAI) -> None:
    reply = sdk.responses.create(
        model="agent",
        instructions="Be kind.",
        input=[
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello"},
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Be brief."}]},
            {"role": "user", "content": [{"type": "input_text", "text": "What was said?"}]},
        ],
    )
    told = "system: Be kind.; user: Hi; assistant: Hello; developer: Be brief.; user: What was said?"
    assert (reply.output_text, reply.instructions) == (told, "Be kind.")


def test_what_a_reply_said_is_taken_back_as_input(sdk: OpenAI) -> None:
    first = sdk.responses.create(**THINK)
    asked: list[Any] = [{"role": "user", "content": "think"}, *(item.model_dump() for item in first.output)]
    again = sdk.responses.create(model="agent", input=[*asked, {"role": "user", "content": "What was said?"}])
    assert again.output_text == "user: think; assistant: You said: think; user: What was said?"


def test_what_was_asked_is_told_in_the_reply(sdk: OpenAI) -> None:
    asked: dict[str, Any] = {
        "metadata": {"topic": "weather"},
        "max_output_tokens": 100,
        "temperature": 0.5,
        "top_p": 0.5,
        "truncation": "auto",
        "parallel_tool_calls": False,
        "safety_identifier": "somebody",
        "prompt_cache_key": "key",
        "tool_choice": "none",
    }
    told = sdk.responses.create(**HELLO, **asked).model_dump()
    assert {name: told[name] for name in asked} == asked


def test_tools_and_hints_that_the_server_does_not_know_are_no_error(sdk: OpenAI) -> None:
    reply = sdk.responses.create(
        **HELLO,
        tools=[{"type": "web_search"}, {"type": "image_generation"}],
        include=["reasoning.encrypted_content", "web_search_call.action.sources"],
        extra_body={"client_metadata": {"a": "b"}, "tools_of_tomorrow": [{"type": "x"}]},
    )
    assert reply.output_text == SAID
    assert [tool.type for tool in reply.tools] == ["web_search", "image_generation"]


def test_log_probabilities_are_told_where_they_are_to_be_included(sdk: OpenAI) -> None:
    asked: dict[str, Any] = HELLO | {"include": ["message.output_text.logprobs"], "top_logprobs": 1}
    [item] = sdk.responses.create(**asked).output
    events = list(sdk.responses.create(**asked, stream=True))
    assert item.type == "message"
    [part] = item.content
    assert part.type == "output_text"
    assert [(token.token, token.logprob) for token in part.logprobs or ()] == [(word, -0.5) for word in WORDS]
    pieces = [event.logprobs for event in events if event.type == "response.output_text.delta"]
    assert [token.token for tokens in pieces for token in tokens] == WORDS
    assert strangers(events, OPEN_RESPONSES) == []


# ---- thoughts


def test_thoughts_are_an_item_of_their_own(sdk: OpenAI) -> None:
    thought, message = sdk.responses.create(**THINK).output
    assert thought.type == "reasoning"
    assert thought.id.startswith("rs_")
    assert [part.model_dump() for part in thought.content or ()] == [
        {"type": "reasoning_text", "text": "Let me think. "}
    ]
    assert thought.summary == []
    assert message.type == "message"


def test_thoughts_are_streamed_before_the_words(sdk: OpenAI) -> None:
    events = list(sdk.responses.create(**THINK, stream=True))
    assert deltas(events, "reasoning_text") == ["Let me ", "think. "]
    assert deltas(events, "output_text") == ["You ", "said: ", "think"]
    indexes = [event.output_index for event in events if event.type == "response.output_item.added"]
    assert indexes == [0, 1]
    assert strangers(events, OPEN_RESPONSES) == []


def test_a_client_that_wants_a_summary_has_the_thoughts_there(sdk: OpenAI) -> None:
    thought = sdk.responses.create(**THINK, reasoning={"summary": "auto"}).output[0]
    events = list(sdk.responses.create(**THINK, reasoning={"summary": "auto"}, stream=True))
    assert thought.type == "reasoning"
    assert [part.text for part in thought.summary] == ["Let me think. "]
    assert deltas(events, "reasoning_summary_text") == ["Let me ", "think. "]
    assert deltas(events, "reasoning_text") == []
    assert strangers(events, OPEN_RESPONSES) == []


# ---- refusals


def test_a_refusal_stands_in_the_texts_place(sdk: OpenAI) -> None:
    reply = sdk.responses.create(model="agent", input="decline")
    [item] = reply.output
    assert item.type == "message"
    assert [part.model_dump() for part in item.content] == [{"type": "refusal", "refusal": "".join(DECLINED)}]
    assert (reply.status, reply.output_text) == ("completed", "")


def test_a_refusal_is_streamed_word_by_word(sdk: OpenAI) -> None:
    events = list(sdk.responses.create(model="agent", input="decline", stream=True))
    assert deltas(events, "refusal") == DECLINED
    [done] = [event.refusal for event in events if event.type == "response.refusal.done"]
    assert done == "".join(DECLINED)


# ---- errors


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_error_is_a_bad_request(sdk: OpenAI, *, stream: bool) -> None:
    with pytest.raises(openai.BadRequestError, match=r"I will not\.") as raised:
        sdk.responses.create(model="agent", input="refuse", stream=stream)
    assert (raised.value.code, raised.value.param) == ("refused", "messages")


def test_a_failed_program_is_a_server_error_that_is_not_asked_again(sdk: OpenAI) -> None:
    with pytest.raises(openai.InternalServerError) as raised:
        sdk.with_options(max_retries=2).responses.create(model="agent", input="fail")
    assert raised.value.code == "program_error"
    assert "log alone" not in str(raised.value)
    assert raised.value.response.headers["x-should-retry"] == "false"


def test_a_failure_amid_a_stream_ends_it_with_the_whole_response(sdk: OpenAI) -> None:
    *events, last = list(sdk.responses.create(model="agent", input="fail", stream=True))
    assert deltas(events, "output_text") == ["You "]
    assert last.type == "response.failed"
    assert last.response.status == "failed"
    assert last.response.error is not None
    assert last.response.error.code == "server_error"
    assert "log alone" not in last.response.error.message
    assert last.sequence_number == len(events)


def test_the_stream_helper_ends_at_a_failure(sdk: OpenAI) -> None:
    with sdk.responses.stream(model="agent", input="fail") as stream:
        types = [event.type for event in stream]
        with pytest.raises(RuntimeError, match=r"response\.completed"):
            stream.get_final_response()
    assert types[-1] == "response.failed"


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"temperature": "hot"}, "temperature"),
        ({"input": [{"role": "wizard", "content": "hi"}]}, "input[0].role"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"text": {"format": {"type": "json_schema", "name": "x"}}}, "text.format.schema"),
    ],
)
def test_a_wrong_request_is_told_by_its_place(sdk: OpenAI, wrong: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        sdk.responses.create(**HELLO | wrong)
    assert raised.value.param == param
