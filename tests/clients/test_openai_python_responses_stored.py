"""openai-python, strict, on responses that outlive their connection: background, resumed, cancelled, found, deleted."""

import time
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.responses import Response, ResponseStreamEvent

from clients.strangers import OPEN_RESPONSES, strangers

HELLO: dict[str, Any] = {"model": "agent", "input": "Good morning"}
SAID = "You said: Good morning"
SLOW: dict[str, Any] = {"model": "agent", "input": "slow and steady", "background": True}
STEADY = "You said: slow and steady"
LONG = " and on" * 40
"""Sixteen seconds of a slow answer, where nobody stops it."""
LIMIT = 10.0


def finished(sdk: OpenAI, response: Response) -> Response:
    """Ask until a response has ended."""
    until = time.monotonic() + LIMIT
    while response.status in ("queued", "in_progress"):
        assert time.monotonic() < until, response
        time.sleep(0.05)
        response = sdk.responses.retrieve(response.id)
    return response


def text_of(events: list[ResponseStreamEvent]) -> str:
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


# ---- found again


def test_a_response_is_found_as_it_was_answered(sdk: OpenAI) -> None:
    reply = sdk.responses.create(**HELLO, metadata={"a": "b"})
    found = sdk.responses.retrieve(reply.id)
    assert found.model_dump() == reply.model_dump()
    assert strangers(found, OPEN_RESPONSES) == []


def test_a_streamed_response_is_found_as_it_ended(sdk: OpenAI) -> None:
    *_, last = sdk.responses.create(**HELLO, stream=True)
    assert last.type == "response.completed"
    assert sdk.responses.retrieve(last.response.id).model_dump() == last.response.model_dump()


def test_an_answer_is_replayed_event_by_event(sdk: OpenAI) -> None:
    events = list(sdk.responses.create(**HELLO, stream=True))
    first = events[0]
    assert first.type == "response.created"
    for after in range(-1, len(events)):
        more: dict[str, Any] = {} if after < 0 else {"starting_after": after}
        assert list(sdk.responses.retrieve(first.response.id, stream=True, **more)) == events[after + 1 :]


def test_a_failed_response_is_found_with_its_reason(sdk: OpenAI) -> None:
    *_, last = sdk.responses.create(model="agent", input="fail", stream=True)
    assert last.type == "response.failed"
    found = sdk.responses.retrieve(last.response.id)
    assert (found.status, found.error) == ("failed", last.response.error)


def test_a_deleted_response_is_gone(sdk: OpenAI) -> None:
    reply = sdk.responses.create(**HELLO)
    sdk.responses.delete(reply.id)
    for ask in (sdk.responses.retrieve, sdk.responses.delete, sdk.responses.cancel, sdk.responses.input_items.list):
        with pytest.raises(openai.NotFoundError, match=reply.id):
            ask(reply.id)


def test_a_response_that_was_not_to_be_stored_is_not(sdk: OpenAI) -> None:
    reply = sdk.responses.create(**HELLO, store=False)
    assert reply.store is False
    with pytest.raises(openai.NotFoundError):
        sdk.responses.retrieve(reply.id)
    with pytest.raises(openai.BadRequestError) as raised:
        sdk.responses.create(**HELLO, previous_response_id=reply.id)
    assert (raised.value.code, raised.value.param) == ("previous_response_not_found", "previous_response_id")


# ---- conversations by the last response


def test_a_conversation_goes_on_from_its_last_response(sdk: OpenAI) -> None:
    first = sdk.responses.create(**HELLO, instructions="Be kind.")
    second = sdk.responses.create(model="agent", input="And again", previous_response_id=first.id, store=True)
    third = sdk.responses.create(model="agent", input="What was said?", previous_response_id=second.id)
    assert third.previous_response_id == second.id
    assert third.output_text == (  # the instructions were the first one's own
        "user: Good morning; assistant: You said: Good morning; "
        "user: And again; assistant: You said: And again; user: What was said?"
    )


def test_an_item_is_meant_by_its_id(sdk: OpenAI) -> None:
    first = sdk.responses.create(**HELLO)
    [item] = first.output
    reference: Any = {"type": "item_reference", "id": item.id}
    asked: list[Any] = [{"role": "user", "content": "Hi"}, reference, {"role": "user", "content": "What was said?"}]
    reply = sdk.responses.create(model="agent", input=asked)
    assert reply.output_text == f"user: Hi; assistant: {SAID}; user: What was said?"


def test_the_input_is_listed_in_pages(sdk: OpenAI) -> None:
    asked: list[Any] = [{"role": "user", "content": f"Number {number}"} for number in range(5)]
    reply = sdk.responses.create(model="agent", input=asked)
    page = sdk.responses.input_items.list(reply.id, limit=2, order="asc")
    newest = sdk.responses.input_items.list(reply.id, limit=1)
    assert [len(page.data), page.has_more, len(newest.data)] == [2, True, 1]
    items = list(page)  # asks for the other pages
    assert [item.content[0].text for item in items if item.type == "message"] == [  # type: ignore[union-attr]
        f"Number {number}" for number in range(5)
    ]
    assert newest.data[0].id == items[-1].id
    assert strangers(items, OPEN_RESPONSES) == []


# ---- background


def test_a_background_response_is_polled_to_its_end(sdk: OpenAI) -> None:
    begun = sdk.responses.create(**SLOW)
    assert (begun.status in ("queued", "in_progress"), begun.background, begun.output) == (True, True, [])
    reply = finished(sdk, begun)
    assert (reply.id, reply.status, reply.output_text) == (begun.id, "completed", STEADY)
    assert strangers(begun, OPEN_RESPONSES) == strangers(reply, OPEN_RESPONSES) == []


def test_a_failed_background_response_tells_its_reason(sdk: OpenAI) -> None:
    reply = finished(sdk, sdk.responses.create(model="agent", input="fail", background=True))
    assert reply.status == "failed"
    assert reply.error is not None
    assert reply.error.code == "server_error"


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_background_stream_that_was_left_goes_on_where_it_was_left(sdk: OpenAI, count: int) -> None:
    begun: list[ResponseStreamEvent] = []
    with sdk.responses.create(**SLOW, stream=True) as stream:
        for event in stream:
            begun.append(event)
            if len(begun) == count:
                break
    first = begun[0]
    assert first.type in ("response.created", "response.queued")
    rest = list(sdk.responses.retrieve(first.response.id, stream=True, starting_after=count - 1))
    events = begun + rest
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert (events[-1].type, text_of(events)) == ("response.completed", STEADY)
    assert list(sdk.responses.retrieve(first.response.id, stream=True)) == events


def test_the_stream_helper_resumes_by_the_id(sdk: OpenAI) -> None:
    begun = sdk.responses.create(**SLOW)
    with sdk.responses.stream(response_id=begun.id) as stream:
        final = stream.get_final_response()
    with sdk.responses.stream(response_id=begun.id, starting_after=3) as stream:
        numbers = [event.sequence_number for event in stream]
    assert (final.id, final.output_text) == (begun.id, STEADY)
    assert numbers == list(range(4, numbers[-1] + 1))


async def test_the_async_client_resumes_too(async_sdk: AsyncOpenAI) -> None:
    begun = await async_sdk.responses.create(**SLOW)
    stream = await async_sdk.responses.retrieve(begun.id, stream=True, starting_after=0)
    events = [event async for event in stream]
    assert [event.sequence_number for event in events] == list(range(1, len(events) + 1))
    assert text_of(events) == STEADY


def test_a_cancelled_response_ends_and_its_program_knows(sdk: OpenAI) -> None:
    prompt = "slow to be cancelled" + LONG
    begun = sdk.responses.create(model="agent", input=prompt, background=True)
    with sdk.responses.retrieve(begun.id, stream=True) as stream:
        next(event for event in stream if event.type == "response.output_text.delta")  # it runs
        cancelled = sdk.responses.cancel(begun.id)
        *_, last = stream  # and the stream ends
    assert last.type == "response.failed"  # this API has no event of its own for it
    assert (last.response.status, last.response.error, cancelled.status) == ("cancelled", None, "cancelled")
    assert sdk.responses.retrieve(begun.id).status == "cancelled"
    assert sdk.responses.cancel(begun.id).status == "cancelled"
    assert prompt in sdk.responses.create(model="agent", input="Who left?").output_text


def test_a_response_that_has_ended_stays_as_it_is(sdk: OpenAI) -> None:
    reply = finished(sdk, sdk.responses.create(**HELLO, background=True))
    assert sdk.responses.cancel(reply.id).model_dump() == reply.model_dump()


def test_what_is_not_in_the_background_is_cancelled_too(sdk: OpenAI) -> None:
    with sdk.responses.create(model="agent", input="slow, too" + LONG, stream=True) as stream:
        first = next(stream)
        assert first.type == "response.created"
        assert sdk.responses.cancel(first.response.id).status == "cancelled"
        *_, last = stream
    assert last.type == "response.failed"
    assert last.response.status == "cancelled"
