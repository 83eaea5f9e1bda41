import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_ai import (
    Agent,
    AgentRunResultEvent,
    BinaryImage,
    CustomEvent,
    DeferredToolRequests,
    ModelRequest,
    ModelResponse,
    PromptedOutput,
    RunUsage,
    TextOutput,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolDefinition,
    ToolOutput,
)
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.messages import NativeToolCallPart
from pydantic_ai.models import CompletedStreamedResponse, ModelRequestParameters
from pydantic_ai.models.function import AgentInfo, DeltaThinkingPart, DeltaToolCall, FunctionModel
from pydantic_ai.models.test import TestModel
from pydantic_ai.run import AgentRunResult
from pydantic_ai.toolsets import ExternalToolset
from pydantic_ai.usage import RequestUsage

from mserve.errors import ProgramError
from mserve.events import Finish, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStart, Usage
from mserve.programs.adapt import adapt
from mserve.transcript import Reply, ToolCall
from programs.ecosystems.saying import Program, reply, say, say_items

LIMIT = 5.0
WAYS = ["whole", "stream", "events", "event by event", "result event"]
STREAMED = WAYS[1:4]


def way_of(agent: Agent[Any, Any], way: str) -> Program:
    async def whole() -> Any:
        return await agent.run("hi")

    async def stream() -> AsyncIterator[Any]:
        async with agent.run_stream("hi") as result:
            yield result

    async def events() -> AsyncIterator[Any]:
        async with agent.run_stream_events("hi") as events:
            yield events

    async def event_by_event() -> AsyncIterator[Any]:
        async with agent.run_stream_events("hi") as events:
            async for event in events:
                yield event

    async def result_event() -> AsyncIterator[Any]:
        async with agent.run_stream_events("hi") as events:
            async for event in events:
                if isinstance(event, AgentRunResultEvent):
                    yield event

    return dict(zip(WAYS, [whole, stream, events, event_by_event, result_event], strict=True))[way]


class City(BaseModel):
    name: str


def shout(text: str) -> str:
    return text.upper()


def number(text: str) -> int:
    return {"forty two": 42}[text]


def with_tool(model: TestModel, output: Any) -> Agent[Any, Any]:
    agent: Agent[Any, Any] = Agent(model, output_type=output)
    agent.tool_plain(weather)
    return agent


def weather(city: str) -> str:
    return f"Sun in {city}."


def noon() -> str:
    return "It is noon."


# ---- every way to hand over a run


@pytest.mark.parametrize(
    ("output", "text", "said"),
    [
        (str, "It is sunny.", "It is sunny."), ([str, City], None, '{"weather":"Sun in a."}'),
        (City, None, '{"name":"a"}'), (PromptedOutput(City), '{"name":"a"}', '{"name":"a"}'),
        (list[City], None, '[{"name":"a"}]'), (dict[str, float], None, '{"additionalProperty":0.0}'),
        (bool, None, "false"), (ToolOutput(str), None, "a"),
    ],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("way", WAYS)
async def test_a_run_says_its_output_and_not_the_calls_of_its_own_tools(
    way: str, output: Any, text: str | None, said: str
) -> None:
    agent = with_tool(TestModel(custom_output_text=text), output)
    told = await reply(way_of(agent, way))
    assert (told.text, told.calls, told.reasoning, told.reason) == (said, (), "", "stop")
    assert told.usage is not None


@pytest.mark.parametrize("way", STREAMED)
async def test_a_text_is_streamed_piece_by_piece(way: str) -> None:
    events = await say(way_of(with_tool(TestModel(custom_output_text="It is sunny."), str), way))
    assert [event for event in events if isinstance(event, TextDelta)] == [
        TextDelta("It "), TextDelta("is "), TextDelta("sunny.")
    ]  # fmt: skip


@pytest.mark.parametrize(("function", "text", "said"), [(shout, "so it is", "SO IT IS"), (number, "forty two", "42")])
@pytest.mark.parametrize("way", ["whole", "stream", "result event"])
async def test_what_a_function_makes_of_the_text_is_said_whole(
    way: str, function: Callable[[str], Any], text: str, said: str
) -> None:
    agent: Agent[Any, Any] = Agent(TestModel(custom_output_text=text), output_type=TextOutput(function))
    events = await say(way_of(agent, way))
    assert [event for event in events if isinstance(event, TextDelta)] == [TextDelta(said)]


async def test_the_tokens_of_a_run_are_told_once_and_are_those_of_all_its_requests() -> None:
    runs: list[RunUsage] = []

    async def program() -> AsyncIterator[Any]:
        async with with_tool(TestModel(), str).run_stream("hi") as result:
            yield result
            runs.append(result.usage)

    said = [event for event in await say(program) if isinstance(event, Usage)]
    assert said == [Usage(runs[0].input_tokens, runs[0].output_tokens)]
    assert runs[0].requests == 2


async def test_a_run_that_does_not_know_its_tokens_says_none() -> None:
    usage = RequestUsage(input_tokens=5, output_tokens=6, cache_read_tokens=3, output_reasoning_tokens=2)
    assert await say_items(ModelResponse([TextPart("a")])) == [TextDelta("a")]
    assert await say_items(ModelResponse([], usage=usage)) == [Usage(5, 6, 3, 2)]
    assert await say_items(AgentRunResult("a")) == [TextDelta("a")]


async def test_runs_follow_each_other() -> None:
    agent = Agent(TestModel(custom_output_text="It is sunny. "))

    async def program() -> AsyncIterator[Any]:
        for way in WAYS:
            yield way_of(agent, way)()

    assert (await reply(program)).text == "It is sunny. " * len(WAYS)


# ---- thoughts, and texts before a call


def thinking(messages: list[Any], _info: AgentInfo) -> ModelResponse:
    if len(messages) > 1:
        return ModelResponse([ThinkingPart("So "), TextPart("It is "), ThinkingPart("it is."), TextPart("sunny.")])
    return ModelResponse([ThinkingPart("Let me see. "), ToolCallPart("weather", {"city": "Lisbon"})])


async def thinking_aloud(messages: list[Any], _info: AgentInfo) -> AsyncIterator[Any]:
    if len(messages) > 1:
        for place, pieces in enumerate([["So "], ["It ", "is "], ["it ", "is."], ["sunny", "."]]):
            for piece in pieces:
                yield piece if place % 2 else {place: DeltaThinkingPart(content=piece)}
    else:
        for piece in ["Let ", "me ", "see. "]:
            yield {0: DeltaThinkingPart(content=piece)}
        yield {0: DeltaThinkingPart(signature="s")}
        yield {1: DeltaToolCall("weather", '{"city": ', tool_call_id="a")}
        yield {1: DeltaToolCall(json_args='"Lisbon"}')}


@pytest.fixture
def thinker() -> Agent[Any, Any]:
    agent = Agent(FunctionModel(thinking, stream_function=thinking_aloud))
    agent.tool_plain(weather)
    return agent


@pytest.mark.parametrize("way", WAYS)
async def test_all_thoughts_of_a_run_are_told_apart_from_its_text(thinker: Agent[Any, Any], way: str) -> None:
    told = await reply(way_of(thinker, way))
    assert (told.reasoning, told.text, told.calls) == ("Let me see. So it is.", "It is sunny.", ())


@pytest.mark.parametrize("way", STREAMED)
async def test_thoughts_and_texts_are_streamed_piece_by_piece(thinker: Agent[Any, Any], way: str) -> None:
    said = [event for event in await say(way_of(thinker, way)) if isinstance(event, TextDelta | ReasoningDelta)]
    assert said[-7:] == [
        ReasoningDelta("So "), TextDelta("It "), TextDelta("is "), ReasoningDelta("it "), ReasoningDelta("is."),
        TextDelta("sunny"), TextDelta("."),
    ]  # fmt: skip


async def test_the_stream_of_one_step_may_be_said() -> None:
    async def program() -> AsyncIterator[Any]:
        async with Agent(TestModel(custom_output_text="It is sunny.")).iter("hi") as run:
            async for node in run:
                if Agent.is_model_request_node(node):
                    async with node.stream(run.ctx) as stream:
                        yield stream

    assert await say(program) == [TextDelta("It "), TextDelta("is "), TextDelta("sunny.")]


async def test_text_before_a_structured_output_cannot_be_taken_back() -> None:
    async def talking(_messages: list[Any], info: AgentInfo) -> AsyncIterator[Any]:
        yield "Here it is: "
        yield {1: DeltaToolCall(info.output_tools[0].name, '{"name": "Lisbon"}')}

    agent: Agent[Any, Any] = Agent(FunctionModel(stream_function=talking), output_type=City)
    for way in ("events", "event by event"):
        with pytest.raises(ProgramError, match="whole reply"):
            await say(way_of(agent, way))
    for way in ("stream", "result event"):
        assert (await reply(way_of(agent, way))).text == '{"name":"Lisbon"}'


# ---- calls that the client shall run


def outside(_messages: list[Any], _info: AgentInfo) -> ModelResponse:
    calls = [ToolCallPart("map", '{"city": "Lisbon"}', "a"), ToolCallPart("clock", {}, "b")]
    return ModelResponse([TextPart("Let me see. "), *calls])


async def outside_aloud(_messages: list[Any], _info: AgentInfo) -> AsyncIterator[Any]:
    yield "Let me "
    yield "see. "
    yield {1: DeltaToolCall("map", '{"city": ', tool_call_id="a")}
    yield {1: DeltaToolCall(json_args='"Lisbon"}')}
    yield {2: DeltaToolCall("clock", "{}", tool_call_id="b")}


CALLS = (ToolCall("a", "map", '{"city":"Lisbon"}'), ToolCall("b", "clock", "{}"))


@pytest.mark.parametrize("way", WAYS)
async def test_calls_that_an_agent_leaves_to_others_are_the_clients(way: str) -> None:
    tools = ExternalToolset[Any]([ToolDefinition(name="map"), ToolDefinition(name="clock")])
    model = FunctionModel(outside, stream_function=outside_aloud)
    agent: Agent[Any, Any] = Agent(model, output_type=[str, DeferredToolRequests], toolsets=[tools])
    told = await reply(way_of(agent, way))
    assert (told.text, told.calls, told.reason) == ("Let me see. ", CALLS, "tool_calls")


@pytest.mark.parametrize("way", WAYS)
async def test_an_agent_may_run_one_tool_and_leave_another_to_the_client(way: str) -> None:
    model = FunctionModel(outside, stream_function=outside_aloud)
    tools = ExternalToolset[Any]([ToolDefinition(name="map")])
    agent: Agent[Any, Any] = Agent(model, output_type=[str, DeferredToolRequests], toolsets=[tools])
    agent.tool_plain(name="clock")(noon)
    told = await reply(way_of(agent, way))
    assert (told.text, told.calls) == ("Let me see. ", CALLS[:1])


@pytest.mark.parametrize("way", WAYS)
async def test_an_approval_is_nothing_that_a_client_can_give(way: str) -> None:
    agent: Agent[Any, Any] = Agent(TestModel(), output_type=[str, DeferredToolRequests])
    agent.tool_plain(requires_approval=True)(weather)
    with pytest.raises(ProgramError, match=r"approval of its own tools \(weather\)"):
        await say(way_of(agent, way))


async def test_an_output_that_was_taken_out_of_its_result_is_read_too() -> None:
    requests = DeferredToolRequests(calls=[ToolCallPart("map", {"a": 1}, "a")])
    assert await say_items(requests) == [ToolCallStart("a", "map"), ToolCallDelta("a", '{"a":1}')]
    assert await say_items("It is sunny.") == [TextDelta("It is sunny.")]


# ---- models without an agent


async def asked(model: FunctionModel, way: str) -> Reply:
    messages: list[Any] = [ModelRequest.user_text_prompt("hi")]

    async def whole() -> Any:
        return await model_request(model, messages)

    async def stream() -> AsyncIterator[Any]:
        async with model_request_stream(model, messages) as response:
            yield response

    return await reply({"whole": whole, "stream": stream}[way])


@pytest.mark.parametrize("way", ["whole", "stream"])
async def test_the_calls_in_a_models_response_are_the_clients(way: str) -> None:
    told = await asked(FunctionModel(outside, stream_function=outside_aloud), way)
    assert (told.text, told.calls, told.reason) == ("Let me see. ", CALLS, "tool_calls")
    assert told.usage is not None
    thought = await asked(FunctionModel(thinking, stream_function=thinking_aloud), way)
    assert (thought.reasoning, [call.name for call in thought.calls]) == ("Let me see. ", ["weather"])


async def test_what_the_models_maker_ran_is_not_told() -> None:
    assert await say_items(ModelResponse([NativeToolCallPart("web_search", {}), TextPart("so")])) == [TextDelta("so")]


@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_a_reply_that_was_cut_says_so(reason: Any) -> None:
    def cut(_messages: list[Any], _info: AgentInfo) -> ModelResponse:
        return ModelResponse([TextPart("so")], finish_reason=reason)

    assert await say_items(cut([], None)) == [TextDelta("so"), Finish(reason)]  # type: ignore[arg-type]
    assert (await say(way_of(Agent(FunctionModel(cut)), "whole")))[-1] == Finish(reason)
    stream = CompletedStreamedResponse(
        cut([], None),  # type: ignore[arg-type]
        model_request_parameters=ModelRequestParameters(),
        replay_events=True,
    )
    assert await say_items(stream) == [TextDelta("so"), Finish(reason)]


async def test_snapshots_of_a_response_are_the_programs_error() -> None:
    async def program() -> AsyncIterator[Any]:
        async with Agent(TestModel()).run_stream("hi") as result:
            async for response in result.stream_response(debounce_by=None):
                yield response

    with pytest.raises(ProgramError, match="incomplete ModelResponse"):
        await say(program)


# ---- leaving


@pytest.mark.parametrize("way", STREAMED)
async def test_leaving_ends_the_run(way: str) -> None:
    left = asyncio.Event()

    async def endless(_messages: list[Any], _info: AgentInfo) -> AsyncIterator[str]:
        try:
            while True:
                yield "more "
                await asyncio.sleep(0)
        finally:
            left.set()

    agent = Agent(FunctionModel(stream_function=endless))
    async with asyncio.timeout(LIMIT), aclosing(adapt(way_of(agent, way), sync=False, name="test")) as events:
        assert [await anext(events) for _ in range(3)] == [TextDelta("more ")] * 3
        assert not left.is_set()
    async with asyncio.timeout(LIMIT):
        await left.wait()


@pytest.mark.parametrize("way", WAYS)
async def test_what_a_tool_raises_comes_through(way: str) -> None:
    agent = Agent(TestModel())

    @agent.tool_plain
    def breaks() -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await say(way_of(agent, way))


# ---- what is not served


@dataclass(kw_only=True)
class HalfWay(CustomEvent):
    done: int


async def test_progress_is_no_part_of_the_answer() -> None:
    assert await say_items(HalfWay(done=1), "so") == [TextDelta("so")]


AGENT = Agent(TestModel())


@pytest.mark.parametrize(
    "other", [AGENT, AGENT.run_stream_events("hi"), ModelRequest([]), RunUsage(), TextPart("a")],
    ids=lambda other: type(other).__name__,
)  # fmt: skip
async def test_any_other_type_of_the_packages_is_the_programs_error_and_names_the_type(other: object) -> None:
    with pytest.raises(ProgramError, match=f"of Pydantic AI, .* not {type(other).__name__}$"):
        await say_items(other)


async def test_an_output_that_is_neither_text_nor_json_is_the_programs_error() -> None:
    with pytest.raises(ProgramError, match="not as BinaryImage"):
        await say_items(AgentRunResult(BinaryImage(b"", media_type="image/png")))


async def test_who_did_not_enter_a_streamed_run_is_told_so() -> None:
    with pytest.raises(ProgramError, match="enter it with `async with`"):
        await say_items(AGENT.run_stream("hi"))


async def test_steps_of_a_run_are_the_programs_error() -> None:
    async def program() -> AsyncIterator[Any]:
        async with AGENT.iter("hi") as run:
            yield run

    with pytest.raises(ProgramError, match="not UserPromptNode"):
        await say(program)


async def test_json_is_spelt_as_pydantic_spells_it() -> None:
    class Place(BaseModel):
        square_km: float | None = None
        model_config = {"alias_generator": lambda name: name.title(), "populate_by_name": True}

    (event,) = await say_items(AgentRunResult([Place(square_km=float("nan")), {"a": "é", "b": float("inf")}]))
    assert isinstance(event, TextDelta)
    assert json.loads(event.text) == [{"Square_Km": None}, {"a": "é", "b": None}]
