import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import pytest
from llama_index.core.agent.workflow import AgentOutput, AgentStream, AgentWorkflow, FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, ChatResponse
from llama_index.core.llms import MockLLM
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.core.workflow import Context, Event, InputRequiredEvent, StartEvent, StopEvent, Workflow, step
from pydantic import BaseModel

from mserve.errors import ClientError, ProgramError
from mserve.events import ReasoningDelta, TextDelta
from mserve.programs.adapt import adapt
from programs.ecosystems.saying import Program, reply, say, say_items

LIMIT = 5.0

# Workflows look at every attribute of an agent, which is a Pydantic model, and so at the deprecated ones.
pytestmark = pytest.mark.filterwarnings(
    "ignore:The `__fields(_set)?__` attribute is deprecated:pydantic.warnings.PydanticDeprecatedSince20",
    "ignore:Accessing the 'model_.*' attribute on the instance:pydantic.warnings.PydanticDeprecatedSince211",
)


def weather(city: str = "Lisbon") -> str:
    return f"Sun in {city}."


@pytest.fixture
def calling() -> MockFunctionCallingLLM:
    """Give a model that calls all tools, and then says so."""
    return MockFunctionCallingLLM()


# ---- agents, which run their tools themselves

WAYS = ["handler", "awaited", "events", "event by event", "events and result"]


def agent_of(calling: MockFunctionCallingLLM, kind: str) -> Any:
    agent = FunctionAgent(llm=calling, tools=[weather], streaming="not" not in kind)
    return AgentWorkflow(agents=[agent]) if "workflow" in kind else agent


def way_of(make: Callable[[], Any], way: str) -> Program:
    async def handler() -> Any:
        return make()

    async def awaited() -> Any:
        return await make()

    async def events() -> Any:
        return make().stream_events()

    async def event_by_event() -> AsyncIterator[Any]:
        async for event in make().stream_events():
            yield event

    async def events_and_result() -> AsyncIterator[Any]:
        running = make()
        async for event in running.stream_events():
            yield event
        yield await running
        yield running

    return dict(zip(WAYS, [handler, awaited, events, event_by_event, events_and_result], strict=True))[way]


@pytest.mark.parametrize("kind", ["agent", "agent, not streaming", "workflow", "workflow, not streaming"])
@pytest.mark.parametrize("way", WAYS)
async def test_a_run_says_its_answer_once_and_none_of_its_calls(
    calling: MockFunctionCallingLLM, way: str, kind: str
) -> None:
    told = await reply(way_of(lambda: agent_of(calling, kind).run("hi"), way))
    assert (told.text, told.calls, told.reason) == ("Tool calls complete.", (), "stop")


async def test_an_agents_text_is_streamed_with_its_thoughts_and_not_said_again() -> None:
    def event(delta: str, thinking: str | None = None) -> AgentStream:
        return AgentStream(delta=delta, response="", current_agent_name="a", thinking_delta=thinking)

    output = AgentOutput(response=ChatMessage("It is sunny."), current_agent_name="a")
    events = [event("", "hm "), event("It is "), event("sunny."), output, StopEvent(result=output)]
    streamed = [ReasoningDelta("hm "), TextDelta("It is "), TextDelta("sunny.")]
    assert await say_items(*events) == streamed
    assert await say_items(*events[:4], StopEvent(result="It is sunny.")) == streamed
    assert await say_items(event("", "hm"), *events[3:]) == [ReasoningDelta("hm"), TextDelta("It is sunny.")]
    assert await say_items(output, output) == [TextDelta("It is sunny.")]
    assert await say_items(output, event("so"), StopEvent(), output.model_copy()) == [
        TextDelta("It is sunny."), TextDelta("so"), TextDelta("It is sunny."),
    ]  # fmt: skip


def structured(_messages: list[ChatMessage]) -> Any:
    return {"name": "a"}


@pytest.mark.parametrize("way", WAYS)
async def test_an_agents_structured_answer_is_a_whole_reply(calling: MockFunctionCallingLLM, way: str) -> None:
    agent = FunctionAgent(llm=calling, streaming=False, structured_output_fn=structured)
    assert await say(way_of(lambda: agent.run("hi"), way)) == [TextDelta('{"name":"a"}')]


async def test_a_structured_answer_after_its_text_was_streamed_is_the_programs_error(
    calling: MockFunctionCallingLLM,
) -> None:
    agent = FunctionAgent(llm=calling, structured_output_fn=structured)
    with pytest.raises(ProgramError, match="whole reply"):
        await say(way_of(lambda: agent.run("hi"), "handler"))


# ---- workflows of the program's own


class Progress(Event):
    done: int


class City(StopEvent):
    name: str


class Steps(Workflow):
    """Ends with what it is given, raises it, or waits; `left` is set when it is no longer run."""

    left: asyncio.Event
    result: Any = None

    @step
    async def go(self, ctx: Context, _event: StartEvent) -> StopEvent | InputRequiredEvent:
        ctx.write_event_to_stream(Progress(done=1))
        try:
            if isinstance(self.result, Exception):
                raise self.result
            if self.result is asyncio.Event:
                ctx.write_event_to_stream(AgentStream(delta="first", response="", current_agent_name="a"))
                await asyncio.Event().wait()
        finally:
            self.left.set()
        return self.result if isinstance(self.result, InputRequiredEvent) else StopEvent(result=self.result)


def steps(result: Any, **options: Any) -> Callable[[], Any]:
    workflow = Steps(**options)
    workflow.left, workflow.result = asyncio.Event(), result
    return workflow.run


class Model(BaseModel):
    name: str


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ("text", "text"), ({"name": "a"}, '{"name":"a"}'), (Model(name="a"), '{"name":"a"}'),
        (ChatResponse(message=ChatMessage("text")), "text"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
@pytest.mark.parametrize("way", WAYS[:4])
async def test_a_workflow_says_its_result_and_nothing_of_its_progress(way: str, result: Any, said: str) -> None:
    assert await say(way_of(steps(result), way)) == [TextDelta(said)]


class Named(Workflow):
    @step
    async def go(self, _event: StartEvent) -> City:
        return City(name="a")


@pytest.mark.parametrize("way", WAYS[:4])
async def test_a_workflow_may_end_with_an_event_of_its_own_which_is_json(way: str) -> None:
    assert await say(way_of(Named().run, way)) == [TextDelta('{"name":"a"}')]


async def test_a_workflow_may_end_with_a_stream() -> None:
    stream = MockLLM(max_tokens=3).stream_complete("hi")
    assert len(await say(way_of(steps(stream), "handler"))) == 3


@pytest.mark.parametrize("way", ["handler", "events", "event by event"])
async def test_a_workflow_without_a_result_says_nothing(way: str) -> None:
    assert await say(way_of(steps(None), way)) == []


@pytest.mark.parametrize("way", WAYS)
async def test_what_a_step_raises_comes_through(way: str) -> None:
    with pytest.raises(ClientError, match="yours"):
        await say(way_of(steps(ClientError("yours")), way))


@pytest.mark.parametrize("way", WAYS)
async def test_a_workflow_that_was_stopped_has_not_answered(way: str) -> None:
    with pytest.raises(Exception, match=r"timed out|TimedOut"):
        await say(way_of(steps(asyncio.Event, timeout=0.05), way))


async def test_a_workflow_that_asks_a_human_is_the_programs_error() -> None:
    with pytest.raises(ProgramError, match="asks a human"):
        await say(way_of(steps(InputRequiredEvent(), disable_validation=True), "handler"))


async def test_leaving_cancels_the_workflow() -> None:
    run = steps(asyncio.Event)
    async with asyncio.timeout(LIMIT), aclosing(adapt(way_of(run, "handler"), sync=False, name="test")) as events:
        assert await anext(events) == TextDelta("first")
        assert not run.__self__.left.is_set()  # type: ignore[attr-defined]  # a bound method
    assert run.__self__.left.is_set()  # type: ignore[attr-defined]
