"""Items that are more than a piece: whole replies, what libraries gave, and what nothing understands."""

import json
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mellea.core import ModelOutputThunk
from openai.types.chat import ChatCompletionChunk
from pydantic import BaseModel, Field

from mserve.errors import ProgramError
from mserve.events import Finish, Logprob, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta, ToolCallStart, Usage
from mserve.programs.ecosystems import WholeJson
from mserve.programs.speech import Speech, unknown
from named import named
from programs.hearing import heard

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=4,
)
_TOKEN = Logprob("t", -1.0)


@settings(max_examples=30)
@given(st.dictionaries(st.text(), _JSON, max_size=3))
def test_a_dict_is_a_whole_reply_as_json(value: dict[str, Any]) -> None:
    (event,) = heard(Speech(), value)
    assert isinstance(event, TextDelta)
    assert json.loads(event.text) == value


def circular() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["itself"] = value
    return value


@pytest.mark.parametrize(
    "value", [{"a": object()}, {(1, 2): 3}, {"a": "\ud800"}, circular()], ids=["object", "key", "half", "circle"]
)
def test_a_dict_that_is_no_json_is_the_programs_error(value: dict[Any, Any]) -> None:
    with pytest.raises(ProgramError, match="is no JSON"):
        heard(Speech(), value)


@pytest.mark.parametrize(
    "beside",
    ["text", {}, TextDelta("é"), TextDelta("", (_TOKEN,)), ReasoningDelta("text"), RefusalDelta("no"), "\ud800"],
    ids=named,
)
def test_a_whole_reply_stands_alone(beside: object) -> None:
    after, before = Speech(), Speech()
    heard(after, {"a": 1})
    with pytest.raises(ProgramError, match="whole reply"):
        heard(after, beside)
    heard(before, beside)
    with pytest.raises(ProgramError, match="whole reply"):
        heard(before, {"a": 1})


@pytest.mark.parametrize("beside", [Usage(1, 2), Finish(), "", TextDelta(""), ReasoningDelta("")], ids=named)
def test_what_says_no_text_may_stand_beside_a_whole_reply(beside: object) -> None:
    speech = Speech()
    said = heard(speech, beside) + heard(speech, {}) + heard(speech, beside)
    assert [event for event in said if isinstance(event, TextDelta)] == [TextDelta("{}")]


@pytest.mark.parametrize("item", [None, 1, b"text", [], (), object()], ids=named)
def test_what_nothing_understands_is_left_to_be_iterated_or_refused(item: object) -> None:
    assert Speech().events(item) is None


def test_json_that_is_a_whole_reply_stands_alone() -> None:
    speech = Speech()
    assert heard(speech, WholeJson('{"a":"é"}')) == [TextDelta('{"a":"é"}')]
    with pytest.raises(ProgramError, match="whole reply"):
        heard(speech, "text")


class Point(BaseModel):
    x: int = Field(serialization_alias="X")


def test_a_model_is_a_whole_reply_alone_or_within_a_dict() -> None:
    assert heard(Speech(), Point(x=1)) == [TextDelta('{"X":1}')]
    assert heard(Speech(), {"at": Point(x=1)}) == [TextDelta('{"at":{"X":1}}')]


def _chunk(**delta: Any) -> ChatCompletionChunk:
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return ChatCompletionChunk.model_validate(chunk)


def test_what_a_library_gave_is_read_and_checked_as_one_run_of_pieces() -> None:
    speech = Speech()
    assert heard(speech, _chunk(content="a\ud83d")) == [TextDelta("a")]
    assert heard(speech, _chunk(content="\ude00")) == [TextDelta("😀")]
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": "{"}}
    more = {"index": 0, "function": {"arguments": "}"}}
    assert heard(speech, _chunk(tool_calls=[call])) == [ToolCallStart("c1", "f"), ToolCallDelta("c1", "{")]
    assert heard(speech, _chunk(tool_calls=[more])) == [ToolCallDelta("c1", "}")]


def test_a_stream_is_left_to_be_iterated() -> None:
    async def pieces() -> AsyncGenerator[object, None]:
        yield ""

    assert Speech().events(pieces()) is None


async def test_what_a_library_says_as_it_comes_is_iterated_in_the_items_place() -> None:
    said = Speech().events(ModelOutputThunk("Hi"))
    assert isinstance(said, AsyncGenerator)
    assert [item async for item in said] == [TextDelta("Hi"), Finish("stop")]


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (None, "of type NoneType; a function that ends without a return says that. It may say str, "),
        ((1, 2), "of type tuple; return its first item. It may say str, "),
        (1, "of type int. It may say str, "),
        (
            AsyncExitStack(),
            "of type AsyncExitStack; enter it with `async with`, and say what that gives. It may say str, ",
        ),
    ],
    ids=named,
)
def test_what_is_not_understood_is_named_with_what_would_be(item: object, text: str) -> None:
    assert str(unknown(item)).startswith(f"the program said something {text}")
