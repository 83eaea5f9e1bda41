"""Pydantic AI: results of agents, their streamed runs and events, and models' responses. Imported when one is said.

Tools that an agent runs itself are no calls of the client's. Those that it leaves to be run elsewhere are, and so are
those in a model's response that no agent asked for.
"""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

from pydantic_ai.messages import (
    ModelRequest,
    ModelResponse,
    PartDeltaEvent,
    PartEndEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ThinkingPartDelta,
    ToolCallPart,
)
from pydantic_ai.models import StreamedResponse
from pydantic_ai.result import StreamedRunResult
from pydantic_ai.run import AgentRunResult, AgentRunResultEvent
from pydantic_ai.tools import DeferredToolRequests
from pydantic_ai.usage import RequestUsage, RunUsage
from pydantic_core import to_json

from mserve.errors import ProgramError
from mserve.events import Event, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStart, Usage

from . import Reader, Said, WholeJson
from .cut import cut

_Piece = Event | WholeJson


def reader() -> Reader:
    """Read Pydantic AI's objects; the end of a run is read in the light of its events."""
    return _Runs().read


class _Runs:
    """Remembers that a run's text was streamed: its result, which comes last, does not say it again."""

    def __init__(self) -> None:
        self._streamed = False

    def read(self, value: object) -> Said:
        if isinstance(value, PartStartEvent | PartDeltaEvent):
            self._streamed = True
            return _delta(value)
        if isinstance(value, AgentRunResultEvent):
            streamed, self._streamed = self._streamed, False
            return _result(value.result, streamed=streamed)
        if hasattr(value, "event_kind"):  # calls of the agent's tools, their results, the program's own: progress
            return ()
        return _whole(value)


def _whole(value: object) -> Said:
    if isinstance(value, AgentRunResult):
        return _result(value, streamed=False)
    if isinstance(value, StreamedRunResult):
        return _run(value)
    if isinstance(value, ModelResponse):
        return _response(value)
    if isinstance(value, StreamedResponse):
        return _model(value)
    if isinstance(value, DeferredToolRequests):
        return _deferred(value)
    if hasattr(value, "__aiter__"):
        return None
    raise ProgramError(
        "of Pydantic AI, the results of agents are served, what `async with` gives of their streamed runs and events, "
        f"and the responses of models, not {type(value).__name__}"
    )


def _delta(event: PartStartEvent | PartDeltaEvent) -> Iterator[Event]:
    said = event.part if isinstance(event, PartStartEvent) else event.delta
    if isinstance(said, TextPart | ThinkingPart):
        yield (TextDelta if isinstance(said, TextPart) else ReasoningDelta)(said.content)
    elif isinstance(said, TextPartDelta | ThinkingPartDelta):
        yield (TextDelta if isinstance(said, TextPartDelta) else ReasoningDelta)(said.content_delta or "")


def _result(result: AgentRunResult[Any], *, streamed: bool) -> Iterator[_Piece]:
    """Give the result of a run; of one whose events were read, what they did not say."""
    messages = result.new_messages()
    responses = [message for message in messages if isinstance(message, ModelResponse)]
    if not streamed:
        yield from (thought for response in responses for thought in _thoughts(response))
    # A request comes last where the output is what a tool was called with, and no text of the model's.
    by_tool = any(isinstance(message, ModelRequest) for message in messages[-1:])
    told = streamed and (isinstance(result.output, DeferredToolRequests) or not by_tool)
    yield from _end(result.output, result.usage, responses[-1] if responses else ModelResponse([]), told=told)


async def _run(result: StreamedRunResult[Any, Any]) -> AsyncGenerator[object, None]:
    """Stream a run's last response, where its text is the run's output; any other output comes whole."""
    for message in result.new_messages():
        if isinstance(message, ModelResponse):  # of the steps before
            for thought in _thoughts(message):
                yield thought
    is_text: bool | None = None
    lengths: dict[int, int] = {}  # of the parts, as far as they were told
    async with aclosing(result.stream_response(debounce_by=None)) as responses:  # type: ignore[type-var]  # an iterator by its type
        async for response in responses:
            if is_text is None and response.text:
                is_text = await _is_output(result, response)
            for place, part in enumerate(response.parts):
                if isinstance(part, ThinkingPart) or (is_text and isinstance(part, TextPart)):
                    more = part.content[lengths.get(place, 0) :]
                    lengths[place] = len(part.content)
                    yield TextDelta(more) if isinstance(part, TextPart) else ReasoningDelta(more)
    for piece in _end(await result.get_output(), result.usage, result.response, told=bool(is_text)):
        yield piece


async def _is_output(result: StreamedRunResult[Any, Any], response: ModelResponse) -> bool:
    """Tell whether a response's text, so far, is what the run gives: a function or a parser may make it something else.

    Pydantic AI has no other public way to tell them apart, and does the same for each piece of a streamed output.
    """
    try:
        output = await result.validate_response_output(response, allow_partial=True)
    except Exception:  # noqa: BLE001  # whatever the program's function raises for half a text
        return False
    return bool(output == response.text)


async def _model(stream: StreamedResponse) -> AsyncGenerator[object, None]:
    """Stream what a model says without an agent; a call comes whole, once it is complete."""
    async for event in stream:
        if isinstance(event, PartStartEvent | PartDeltaEvent):
            for said in _delta(event):
                yield said
        elif isinstance(event, PartEndEvent) and isinstance(event.part, ToolCallPart):
            for said in _call(event.part):
                yield said
    response = stream.get()
    for said in (*_usage(response.usage), *cut(response.finish_reason)):
        yield said


def _response(response: ModelResponse) -> Iterator[Event]:
    if response.state == "incomplete":
        raise ProgramError("an incomplete ModelResponse would be told again with each piece: say the stream itself")
    yield from _thoughts(response)
    for part in response.parts:
        if isinstance(part, TextPart):
            yield TextDelta(part.content)
        elif isinstance(part, ToolCallPart):
            yield from _call(part)
    yield from _usage(response.usage)
    yield from cut(response.finish_reason)


def _thoughts(response: ModelResponse) -> Iterator[Event]:
    yield from (ReasoningDelta(part.content) for part in response.parts if isinstance(part, ThinkingPart))


def _end(output: object, usage: RunUsage, response: ModelResponse, *, told: bool) -> Iterator[_Piece]:
    """Give what ends a run; the text of its last response may have been told."""
    if isinstance(output, DeferredToolRequests):
        yield TextDelta("" if told else response.text or "")
        yield from _deferred(output)
    elif not told:
        yield _output(output)
    yield from _usage(usage)
    yield from cut(response.finish_reason)


def _output(output: object) -> _Piece:
    if isinstance(output, str):
        return TextDelta(output)
    if type(output).__module__.startswith("pydantic_ai."):
        raise ProgramError(f"a run's output is served as text or JSON, not as {type(output).__name__}")
    return WholeJson(to_json(output, inf_nan_mode="null").decode())


def _deferred(requests: DeferredToolRequests) -> Iterator[Event]:
    if requests.approvals:
        names = ", ".join(part.tool_name for part in requests.approvals)
        raise ProgramError(f"the run waits for the approval of its own tools ({names}), which no client can give")
    for part in requests.calls:
        yield from _call(part)


def _call(part: ToolCallPart) -> Iterator[Event]:
    yield ToolCallStart(part.tool_call_id, part.tool_name)
    yield ToolCallDelta(part.tool_call_id, part.args_as_json_str())


def _usage(usage: RunUsage | RequestUsage) -> Iterator[Event]:
    if usage.input_tokens or usage.output_tokens:  # else the model did not tell
        yield Usage(
            usage.input_tokens,
            usage.output_tokens,
            usage.cache_read_tokens,
            getattr(usage, "output_reasoning_tokens", 0),
        )
