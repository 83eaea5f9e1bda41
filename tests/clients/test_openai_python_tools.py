"""openai-python, strict, on tool calls and on replies that fit a schema: whole, streamed and by its helpers."""

from typing import Any, Literal

import pytest
from openai import AsyncOpenAI, OpenAI, pydantic_function_tool
from openai.types.chat import ChatCompletionMessageParam
from pydantic import BaseModel


class Weather(BaseModel):
    """Tell the weather."""

    city: str
    days: int


class Clock(BaseModel):
    """Tell the time."""

    zone: str


class Stop(BaseModel):
    name: str
    booked: bool


class Trip(BaseModel):
    city: str
    price: float
    mood: Literal["calm", "wild"]
    first: Stop
    stops: list[Stop]
    note: str | None


class Folder(BaseModel):
    name: str
    parent: "Folder | None"
    inside: list["Folder"]


TOOLS = [pydantic_function_tool(Weather), pydantic_function_tool(Clock)]
ASKED: list[ChatCompletionMessageParam] = [{"role": "user", "content": "What is the weather?"}]
CALLS: dict[str, Any] = {"model": "agent", "messages": ASKED, "tools": TOOLS}
WEATHER, CLOCK = '{"city": "Lisbon", "days": 21}', '{"zone": "Lisbon"}'
PIECES = [
    *((0, WEATHER[start : start + 5]) for start in range(0, len(WEATHER), 5)),
    *((1, CLOCK[start : start + 5]) for start in range(0, len(CLOCK), 5)),
]

FORM: dict[str, Any] = {"model": "agent", "messages": [{"role": "user", "content": "Plan a trip."}]}
STOP = Stop(name="Lisbon", booked=True)
TRIP = Trip(city="Lisbon", price=1.5, mood="calm", first=STOP, stops=[STOP], note="Lisbon")
LEAF = Folder(name="Lisbon", parent=None, inside=[])
FOLDER = Folder(name="Lisbon", parent=LEAF, inside=[LEAF])  # the SDK writes the outermost reference out


# ---- calls


def test_a_whole_reply_has_all_calls_and_no_words(sdk: OpenAI) -> None:
    [choice] = sdk.chat.completions.create(**CALLS).choices
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    assert [call.model_dump(exclude_unset=True) for call in choice.message.tool_calls or ()] == [
        {"id": "call_0", "type": "function", "function": {"name": "Weather", "arguments": WEATHER}},
        {"id": "call_1", "type": "function", "function": {"name": "Clock", "arguments": CLOCK}},
    ]


def test_a_stream_names_each_call_once_and_then_says_its_arguments_in_pieces(sdk: OpenAI) -> None:
    first, *between, last = sdk.chat.completions.create(**CALLS, stream=True)
    pieces = [call for chunk in between for call in chunk.choices[0].delta.tool_calls or ()]
    named = [piece.model_dump(exclude_unset=True) for piece in pieces if piece.id]
    rest = [piece.model_dump(exclude_unset=True) for piece in pieces if not piece.id]
    assert named == [
        {"index": 0, "id": "call_0", "type": "function", "function": {"name": "Weather", "arguments": ""}},
        {"index": 1, "id": "call_1", "type": "function", "function": {"name": "Clock", "arguments": ""}},
    ]
    assert rest == [{"index": index, "function": {"arguments": text}} for index, text in PIECES]
    assert all(chunk.choices[0].delta.content is None for chunk in (first, *between, last))
    assert last.choices[0].finish_reason == "tool_calls"


def test_the_stream_helper_tells_each_piece_and_each_call_that_is_done(sdk: OpenAI) -> None:
    with sdk.chat.completions.stream(**CALLS) as stream:
        events = list(stream)
        final = stream.get_final_completion()
    pieces = [(e.index, e.arguments_delta) for e in events if e.type == "tool_calls.function.arguments.delta"]
    done = [(e.index, e.name, e.parsed_arguments) for e in events if e.type == "tool_calls.function.arguments.done"]
    calls = final.choices[0].message.tool_calls or []
    assert [piece for piece in pieces if piece[1]] == PIECES
    assert done == [(0, "Weather", Weather(city="Lisbon", days=21)), (1, "Clock", Clock(zone="Lisbon"))]
    assert [call.function.parsed_arguments for call in calls] == [parsed for *_, parsed in done]
    assert [call.id for call in calls] == ["call_0", "call_1"]


async def test_the_async_helper_and_parse_hear_the_same_calls(async_sdk: AsyncOpenAI) -> None:
    async with async_sdk.chat.completions.stream(**CALLS) as stream:
        streamed = (await stream.get_final_completion()).choices[0].message
    whole = (await async_sdk.chat.completions.parse(**CALLS)).choices[0].message
    for message in streamed, whole:
        assert [call.function.parsed_arguments for call in message.tool_calls or ()] == [
            Weather(city="Lisbon", days=21),
            Clock(zone="Lisbon"),
        ]


@pytest.mark.parametrize(
    ("choice", "names", "reason"),
    [
        ({"type": "function", "function": {"name": "Clock"}}, ["Clock"], "tool_calls"),
        ("required", ["Weather"], "tool_calls"),
        ("auto", ["Weather", "Clock"], "tool_calls"),
        ("none", [], "stop"),
    ],
)
def test_a_choice_of_tools_reaches_the_program(sdk: OpenAI, choice: Any, names: list[str], reason: str) -> None:
    reply = sdk.chat.completions.parse(**CALLS, tool_choice=choice).choices[0]
    assert [call.function.name for call in reply.message.tool_calls or ()] == names
    assert reply.finish_reason == reason


@pytest.mark.parametrize("stream", [True, False])
def test_what_the_tools_said_comes_back_in_words(sdk: OpenAI, *, stream: bool) -> None:
    called = sdk.chat.completions.parse(**CALLS).choices[0].message
    messages = [*ASKED, called.model_dump(exclude_unset=True)]
    for call, said in zip(called.tool_calls or (), ("rain", "noon"), strict=True):
        messages.append({"role": "tool", "tool_call_id": call.id, "content": said})
    asked = CALLS | {"messages": messages}
    if stream:
        chunks = sdk.chat.completions.create(**asked, stream=True)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    else:
        text = sdk.chat.completions.create(**asked).choices[0].message.content or ""
    assert text == "The tools said: rain and noon"


# ---- schemas


@pytest.mark.parametrize(("form", "value"), [(Trip, TRIP), (Folder, FOLDER)])
def test_parse_gives_an_instance_of_the_model(sdk: OpenAI, form: type[BaseModel], value: BaseModel) -> None:
    message = sdk.chat.completions.parse(**FORM, response_format=form).choices[0].message
    assert message.parsed == value
    assert (message.refusal, message.tool_calls) == (None, None)


@pytest.mark.parametrize(("form", "value"), [(Trip, TRIP), (Folder, FOLDER)])
async def test_the_async_parse_gives_the_same(async_sdk: AsyncOpenAI, form: type[BaseModel], value: BaseModel) -> None:
    reply = await async_sdk.chat.completions.parse(**FORM, response_format=form)
    assert reply.choices[0].message.parsed == value


def test_the_stream_helper_parses_the_value_as_it_grows(sdk: OpenAI) -> None:
    with sdk.chat.completions.stream(**FORM, response_format=Trip) as stream:
        grown = [event.parsed for event in stream if event.type == "content.delta"]
        final = stream.get_final_completion().choices[0].message
    assert grown[-1] == TRIP.model_dump()
    assert any(isinstance(part, dict) and set(part) == {"city", "price"} for part in grown)
    assert (final.parsed, final.content) == (TRIP, TRIP.model_dump_json().replace(",", ", ").replace(":", ": "))


def test_a_reply_is_json_where_an_object_is_asked_for(sdk: OpenAI) -> None:
    reply = sdk.chat.completions.create(**FORM, response_format={"type": "json_object"})
    assert reply.choices[0].message.content == "{}"
