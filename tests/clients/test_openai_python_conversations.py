"""openai-python, strict, on conversations: made, listed, changed, gone on with by responses, and deleted."""

from typing import Any

import openai
import pytest
from openai import OpenAI

from clients.strangers import strangers


def words(items: Any) -> list[str]:
    return [item.content[0].text for item in items]


def said(*texts: str) -> Any:
    return [{"type": "message", "role": "user", "content": text} for text in texts]


def test_a_conversation_is_made_found_changed_and_deleted(sdk: OpenAI) -> None:
    made = sdk.conversations.create(metadata={"topic": "weather"})
    assert made.id.startswith("conv_")
    assert (made.object, made.metadata, strangers(made)) == ("conversation", {"topic": "weather"}, [])
    assert sdk.conversations.retrieve(made.id) == made
    changed = sdk.conversations.update(made.id, metadata={"topic": "time"})
    assert (changed.id, changed.metadata) == (made.id, {"topic": "time"})
    gone = sdk.conversations.delete(made.id)
    assert (gone.id, gone.object, gone.deleted) == (made.id, "conversation.deleted", True)
    for ask in (sdk.conversations.retrieve, sdk.conversations.delete, sdk.conversations.items.list):
        with pytest.raises(openai.NotFoundError):
            ask(made.id)


def test_its_items_are_made_found_listed_and_deleted(sdk: OpenAI) -> None:
    made = sdk.conversations.create(items=said("one"))
    added = sdk.conversations.items.create(made.id, items=said("two", "three"))
    assert words(added.data) == ["two", "three"]
    assert words(sdk.conversations.items.list(made.id, order="asc")) == ["one", "two", "three"]
    assert words(sdk.conversations.items.list(made.id)) == ["three", "two", "one"]
    two = sdk.conversations.items.retrieve(added.data[0].id or "", conversation_id=made.id)
    assert two == added.data[0]
    assert sdk.conversations.items.delete(two.id or "", conversation_id=made.id).id == made.id
    assert words(sdk.conversations.items.list(made.id, order="asc")) == ["one", "three"]
    with pytest.raises(openai.NotFoundError):
        sdk.conversations.items.retrieve(two.id or "", conversation_id=made.id)
    assert strangers(added) == strangers(two) == []


def test_its_items_come_in_pages(sdk: OpenAI) -> None:
    numbers = [str(number) for number in range(20)]
    made = sdk.conversations.create(items=said(*numbers))
    page = sdk.conversations.items.list(made.id, order="asc", limit=7)
    assert (words(page.data), page.has_more) == (numbers[:7], True)
    assert words(page) == numbers  # asks for the other pages


@pytest.mark.parametrize("stream", [False, True])
def test_responses_go_on_with_a_conversation(sdk: OpenAI, *, stream: bool) -> None:
    made = sdk.conversations.create(items=said("Hi"))

    def ask(text: str, conversation: Any) -> str:
        if not stream:
            reply = sdk.responses.create(model="agent", input=text, conversation=conversation)
        else:
            *_, last = sdk.responses.create(model="agent", input=text, conversation=conversation, stream=True)
            assert last.type == "response.completed"
            reply = last.response
        assert reply.conversation is not None
        assert reply.conversation.id == made.id
        return reply.output_text

    assert ask("Good morning", made.id) == "You said: Good morning"
    told = "user: Hi; user: Good morning; assistant: You said: Good morning; user: What was said?"
    assert ask("What was said?", {"id": made.id}) == told
    texts = ["Hi", "Good morning", "You said: Good morning", "What was said?", told]
    assert words(sdk.conversations.items.list(made.id, order="asc")) == texts


def test_a_failed_response_leaves_no_item(sdk: OpenAI) -> None:
    made = sdk.conversations.create(items=said("Hi"))
    with pytest.raises(openai.InternalServerError):
        sdk.responses.create(model="agent", input="fail", conversation=made.id)
    assert sdk.responses.create(model="agent", input="Good morning", conversation=made.id).status == "completed"
    assert words(sdk.conversations.items.list(made.id, order="asc"))[-1] == "You said: Good morning"


def test_a_conversation_that_is_not_there_is_an_error(sdk: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as raised:
        sdk.responses.create(model="agent", input="Hi", conversation="conv_0")
    assert raised.value.param == "conversation"
    other = sdk.conversations.create()
    reply = sdk.responses.create(model="agent", input="Hi")
    with pytest.raises(openai.BadRequestError):
        sdk.responses.create(model="agent", input="Hi", conversation=other.id, previous_response_id=reply.id)
