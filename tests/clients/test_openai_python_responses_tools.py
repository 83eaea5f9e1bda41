"""openai-python, strict, on the Responses API: tool calls and replies that fit a schema, whole, streamed and parsed."""

import itertools
from typing import Any

import pytest
from openai import AsyncOpenAI, OpenAI, pydantic_function_tool
from openai.types.responses import ParsedResponseFunctionToolCall, ResponseCustomToolCall, ResponseFunctionToolCall
from pydantic import BaseModel

from clients.strangers import OPEN_RESPONSES, strangers


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
    stops: list[Stop]
    note: str | None


class Folder(BaseModel):
    name: str
    parent: "Folder | None"
    inside: list["Folder"]


def declared(form: type[BaseModel]) -> Any:
    """Declare a function in the flat shape that this API has."""
    function: Any = pydantic_function_tool(form)["function"]
    return {"type": "function", **function}


TOOLS = [declared(Weather), declared(Clock)]
CALLS: dict[str, Any] = {"model": "agent", "input": "What is the weather?", "tools": TOOLS}
WEATHER, CLOCK = '{"city": "Lisbon", "days": 21}', '{"zone": "Lisbon"}'
CUSTOM: dict[str, Any] = {
    "model": "agent",
    "input": "Note the weather",
    "tools": [{"type": "custom", "name": "note", "description": "Takes a note.", "format": {"type": "text"}}],
}
STOP = Stop(name="Lisbon", booked=True)
TRIP = Trip(city="Lisbon", price=1.5, stops=[STOP], note="Lisbon")
LEAF = Folder(name="Lisbon", parent=None, inside=[])
FOLDER = Folder(name="Lisbon", parent=LEAF, inside=[LEAF])
PLAN: dict[str, Any] = {"model": "agent", "input": "Plan a trip."}


def cut(text: str) -> list[str]:
    return [text[start : start + 5] for start in range(0, len(text), 5)]


def told(call: ResponseFunctionToolCall) -> list[str | None]:
    return [call.call_id, call.name, call.arguments, call.status]


# ---- calls


def test_a_whole_reply_has_all_calls_and_no_words(sdk: OpenAI) -> None:
    reply = sdk.responses.create(**CALLS)
    calls = [item for item in reply.output if item.type == "function_call"]
    assert [told(call) for call in calls] == [
        ["call_0", "Weather", WEATHER, "completed"],
        ["call_1", "Clock", CLOCK, "completed"],
    ]
    assert all((call.id or "").startswith("fc_") for call in calls)
    assert (len(reply.output), reply.status, reply.output_text) == (2, "completed", "")
    assert strangers(reply, OPEN_RESPONSES) == []


def test_a_stream_names_each_call_and_says_its_arguments_in_pieces(sdk: OpenAI) -> None:
    events = list(sdk.responses.create(**CALLS, stream=True))
    pieces = [(e.output_index, e.delta) for e in events if e.type == "response.function_call_arguments.delta"]
    whole = [(e.name, e.arguments) for e in events if e.type == "response.function_call_arguments.done"]
    done = [e.item for e in events if e.type == "response.output_item.done"]
    assert pieces == [*((0, piece) for piece in cut(WEATHER)), *((1, piece) for piece in cut(CLOCK))]
    assert whole == [("Weather", WEATHER), ("Clock", CLOCK)]
    assert [told(item) for item in done if item.type == "function_call"] == [
        ["call_0", "Weather", WEATHER, "completed"],
        ["call_1", "Clock", CLOCK, "completed"],
    ]
    assert strangers(events, OPEN_RESPONSES) == []


def test_the_stream_helper_gathers_the_arguments_and_parses_them(sdk: OpenAI) -> None:
    with sdk.responses.stream(**CALLS) as stream:
        events = list(stream)
        final = stream.get_final_response()
    grown = [event.snapshot for event in events if event.type == "response.function_call_arguments.delta"]
    assert grown == [*itertools.accumulate(cut(WEATHER)), *itertools.accumulate(cut(CLOCK))]
    calls = [item for item in final.output if isinstance(item, ParsedResponseFunctionToolCall)]
    assert [call.parsed_arguments for call in calls] == [{"city": "Lisbon", "days": 21}, {"zone": "Lisbon"}]


async def test_parse_hears_the_same_calls(sdk: OpenAI, async_sdk: AsyncOpenAI) -> None:
    for reply in sdk.responses.parse(**CALLS), await async_sdk.responses.parse(**CALLS):
        calls = [item for item in reply.output if isinstance(item, ParsedResponseFunctionToolCall)]
        assert [call.parsed_arguments for call in calls] == [{"city": "Lisbon", "days": 21}, {"zone": "Lisbon"}]


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ({"type": "function", "name": "Clock"}, ["Clock"]),
        ({"type": "allowed_tools", "mode": "auto", "tools": TOOLS}, ["Weather", "Clock"]),
        ("required", ["Weather"]),
        ("auto", ["Weather", "Clock"]),
        ("none", []),
    ],
)
def test_a_choice_of_tools_reaches_the_program(sdk: OpenAI, choice: Any, names: list[str]) -> None:
    reply = sdk.responses.create(**CALLS, tool_choice=choice)
    assert [item.name for item in reply.output if item.type == "function_call"] == names


@pytest.mark.parametrize("stored", [True, False])
def test_what_the_tools_said_comes_back_in_words(sdk: OpenAI, *, stored: bool) -> None:
    """By the id of the response that called, or with all that was said so far."""
    called = sdk.responses.create(**CALLS, store=stored)
    results: list[Any] = [
        {"type": "function_call_output", "call_id": call_id, "output": said}
        for call_id, said in (("call_0", "rain"), ("call_1", [{"type": "input_text", "text": "noon"}]))
    ]
    more: dict[str, Any] = {"previous_response_id": called.id, "input": results}
    if not stored:
        calls = [item.model_dump(exclude_none=True) for item in called.output]
        more = {"input": [{"role": "user", "content": CALLS["input"]}, *calls, *results]}
    assert sdk.responses.create(**CALLS | more).output_text == "The tools said: rain and noon"


# ---- custom tools


def test_a_custom_tool_is_called_with_a_text_as_it_is(sdk: OpenAI) -> None:
    reply = sdk.responses.create(**CUSTOM)
    [call] = reply.output
    assert isinstance(call, ResponseCustomToolCall)
    assert (call.call_id, call.name, call.input) == ("call_0", "note", "Note the weather")
    assert (call.id or "").startswith("ctc_")
    assert strangers(reply, OPEN_RESPONSES) == []
    noted: Any = {"type": "custom_tool_call_output", "call_id": "call_0", "output": "noted"}
    again = sdk.responses.create(**CUSTOM | {"previous_response_id": reply.id, "input": [noted]})
    assert again.output_text == "The tools said: noted"


def test_a_custom_tools_input_is_streamed(sdk: OpenAI) -> None:
    events = list(sdk.responses.create(**CUSTOM, stream=True))
    pieces = [event.delta for event in events if event.type == "response.custom_tool_call_input.delta"]
    [done] = [event.input for event in events if event.type == "response.custom_tool_call_input.done"]
    assert (pieces, done) == (cut("Note the weather"), "Note the weather")
    assert strangers(events, OPEN_RESPONSES) == []


# ---- schemas


@pytest.mark.parametrize(("form", "value"), [(Trip, TRIP), (Folder, FOLDER)])
async def test_parse_gives_an_instance(
    sdk: OpenAI, async_sdk: AsyncOpenAI, form: type[BaseModel], value: BaseModel
) -> None:
    assert sdk.responses.parse(**PLAN, text_format=form).output_parsed == value
    assert (await async_sdk.responses.parse(**PLAN, text_format=form)).output_parsed == value


def test_the_stream_helper_parses_the_value(sdk: OpenAI) -> None:
    with sdk.responses.stream(**PLAN, text_format=Trip) as stream:
        done = [event.parsed for event in stream if event.type == "response.output_text.done"]
        final = stream.get_final_response()
    assert (done, final.output_parsed) == ([TRIP], TRIP)


def test_a_schema_is_told_in_the_reply(sdk: OpenAI) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    form: Any = {"type": "json_schema", "name": "place", "schema": schema}
    reply = sdk.responses.create(**PLAN, text={"format": form})
    assert reply.output_text == '{"city": "Lisbon"}'
    assert reply.text is not None
    assert reply.text.format is not None
    assert reply.text.format.type == "json_schema"
    assert reply.text.format.schema_ == schema
    assert strangers(reply, OPEN_RESPONSES) == []


def test_a_reply_is_json_where_an_object_is_asked_for(sdk: OpenAI) -> None:
    assert sdk.responses.create(**PLAN, text={"format": {"type": "json_object"}}).output_text == "{}"


def test_a_refusal_is_no_instance(sdk: OpenAI) -> None:
    reply = sdk.responses.parse(model="agent", input="decline, with tools", tools=TOOLS)
    assert (reply.output_parsed, reply.output_text) == (None, "")
