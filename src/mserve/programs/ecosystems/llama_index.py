"""LlamaIndex: answers of its models, engines and agents, and their streams. Imported only when a program says one.

The calls in a model's answer are the client's, since nobody has run them. An agent's are its own, and are not told.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

import msgspec
from llama_index.core.agent.workflow.workflow_events import AgentInput, AgentOutput, AgentStream
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, CompletionResponse, ThinkingBlock, ToolCallBlock
from llama_index.core.base.response.schema import AsyncStreamingResponse, PydanticResponse, Response, StreamingResponse
from llama_index.core.chat_engine.types import AgentChatResponse, StreamingAgentChatResponse
from llama_index.core.workflow import Event as WorkflowEvent
from llama_index.core.workflow import InputRequiredEvent, StopEvent
from workflows.handler import WorkflowHandler

from mserve.errors import ProgramError
from mserve.events import Event, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStart, Usage

from . import Reader, Said, WholeJson, made_up_id
from .cut import cut


def reader() -> Reader:
    """Read LlamaIndex's objects; what a stream repeats is told once."""
    answers, runs = _Answers(), _Runs()

    def read(value: object) -> Said:
        if isinstance(value, ChatResponse | CompletionResponse):
            return answers.read(value)
        if isinstance(value, ChatMessage):
            return answers.message(value)
        if isinstance(value, WorkflowHandler):
            return _run(value)
        if isinstance(value, WorkflowEvent):
            return runs.read(value)
        return _engine(value)

    return read


def _engine(value: object) -> Said:
    """Read what chat engines and query engines give."""
    if isinstance(value, Response | AgentChatResponse):
        return (TextDelta(value.response or ""),)
    if isinstance(value, PydanticResponse):
        return () if value.response is None else (WholeJson(value.response.model_dump_json(by_alias=True)),)
    if isinstance(value, StreamingResponse | AsyncStreamingResponse):
        return _item(value.response_gen) if value.response_txt is None else (TextDelta(value.response_txt),)
    if isinstance(value, StreamingAgentChatResponse):
        return _item(value.response_gen) if value.achat_stream is None else _chat(value)
    raise ProgramError(
        "of LlamaIndex, the answers of models, chat engines, query engines and agents are served, and their streams, "
        f"not {type(value).__name__}"
    )


async def _item(item: object) -> AsyncGenerator[object, None]:
    yield item


async def _chat(response: StreamingAgentChatResponse) -> AsyncGenerator[object, None]:
    """Stream a chat engine's answer. Its task, which asks the model and keeps the history, ends with the reading.

    LlamaIndex's own generator would wait, whoever leaves, until the model has said all.
    """
    task, response.awrite_response_to_history_task = response.awrite_response_to_history_task, None
    pieces = response.async_response_gen()
    try:
        async for piece in pieces:
            yield piece
        if task is not None:
            await task
    finally:
        await pieces.aclose()
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _run(handler: WorkflowHandler) -> AsyncGenerator[object, None]:
    """Stream an agent's run, or a workflow's, to its result; one that nobody waits for any more is cancelled."""
    try:
        if not handler.is_done():
            async with aclosing(handler.stream_events()) as events:
                async for event in events:
                    if isinstance(event, InputRequiredEvent):
                        raise ProgramError("the workflow asks a human, whom nobody can ask before the reply has ended")
                    if not isinstance(event, StopEvent):
                        yield event
        yield StopEvent(result=await handler)  # which raises what made it fail
    finally:
        if not handler.is_done():
            await handler.cancel_run()


class _Runs:
    """Reads the events of workflows: what agents say while they run is not said again with the result."""

    def __init__(self) -> None:
        self._within = False  # a run, whose end is its StopEvent
        self._streamed = False
        self._said: AgentOutput | None = None

    def read(self, event: WorkflowEvent) -> Said:
        if isinstance(event, AgentInput):
            self._within = True
        elif isinstance(event, AgentStream):
            self._within, self._streamed = True, self._streamed or bool(event.delta)
            return ReasoningDelta(event.thinking_delta or ""), TextDelta(event.delta)
        elif isinstance(event, AgentOutput):
            return self._output(event)
        elif isinstance(event, StopEvent):
            self._within = False
            said = self._end(event)
            self._streamed = False
            return said
        return ()  # calls, their results and the workflow's own events: progress, which is no part of the answer

    def _end(self, event: StopEvent) -> Said:
        if type(event) is StopEvent:
            result = event.result
            if isinstance(result, AgentOutput):
                return self._output(result)
            return () if result is None or (self._streamed and isinstance(result, str)) else _item(result)
        if not type(event).__module__.startswith("workflows."):  # the program's own
            return (WholeJson(event.model_dump_json(by_alias=True)),)
        if isinstance(error := getattr(event, "exception", None), Exception):
            raise error
        raise ProgramError(f"the workflow ended with a {type(event).__name__}")

    def _output(self, output: AgentOutput) -> Said:
        """Give an agent's answer once: it comes as an event, as the end of its run, and as the result."""
        if output is self._said:
            return ()
        if output.structured_response is not None:
            self._said = output
            return _item(output.structured_response)
        if self._within:
            return ()
        self._said = output
        return () if self._streamed else _text(output.response)


class _Answers:
    """Reads models' answers, whole or in pieces: each piece holds what its stream has said so far, and its own part."""

    def __init__(self) -> None:
        self._calls: dict[str | int, tuple[str, str]] = {}  # by id, or place: the id and the arguments that were told
        self._usage = Usage(0, 0)  # of the stream so far
        self._is_cut = False

    def read(self, answer: ChatResponse | CompletionResponse) -> Iterator[Event]:
        chat = answer.message if isinstance(answer, ChatResponse) else None
        if answer.delta is not None:
            yield ReasoningDelta(answer.additional_kwargs.get("thinking_delta") or "")
            yield TextDelta(answer.delta)
        elif isinstance(answer, CompletionResponse):
            yield TextDelta(answer.text)
        else:
            yield from _text(answer.message)
        if chat is not None:
            yield from self._called(chat)
        for finish in cut(*_reasons(answer.raw)):
            if not self._is_cut:
                self._is_cut = True
                yield finish
        yield from self._spent(answer)

    def message(self, message: ChatMessage) -> Iterator[Event]:
        yield from _text(message)
        yield from self._called(message)

    def _called(self, message: ChatMessage) -> Iterator[Event]:
        blocks = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
        if not blocks and message.additional_kwargs.get("tool_calls"):
            raise ProgramError("the answer has tool calls, but none as a ToolCallBlock: only those are served")
        for place, block in enumerate(blocks):
            key = block.tool_call_id or place
            if key not in self._calls:
                self._calls[key] = (block.tool_call_id or made_up_id(), "")
                yield ToolCallStart(self._calls[key][0], block.tool_name)
            call, told = self._calls[key]
            arguments = _arguments(block)
            if not arguments.startswith(told):
                raise ProgramError("the arguments of a tool call changed while they came: ask for the answer whole")
            self._calls[key] = (call, arguments)
            yield ToolCallDelta(call, arguments[len(told) :])

    def _spent(self, answer: ChatResponse | CompletionResponse) -> Iterator[Event]:
        """Give what an answer's tokens add: some models tell in each piece of a stream what all of it has cost."""
        now, before = _usage(answer), self._usage
        if any(getattr(now, name) < getattr(before, name) for name in Usage.__struct_fields__):
            before = Usage(0, 0)  # another stream
        self._usage = now if answer.delta is not None else Usage(0, 0)
        more = Usage(*(getattr(now, name) - getattr(before, name) for name in Usage.__struct_fields__))
        if more != Usage(0, 0):
            yield more


def _text(message: ChatMessage) -> Iterator[Event]:
    yield from (ReasoningDelta(block.content or "") for block in message.blocks if isinstance(block, ThinkingBlock))
    yield TextDelta(message.content or "")


def _arguments(block: ToolCallBlock) -> str:
    kwargs = block.tool_kwargs
    return kwargs if isinstance(kwargs, str) else msgspec.json.encode(kwargs).decode() if kwargs else ""


def _field(raw: Any, name: str) -> Any:
    """Give a field of what a model's own API said, which LlamaIndex keeps as it came: a dict, or the SDK's object."""
    return raw.get(name) if isinstance(raw, dict) else getattr(raw, name, None)


def _usage(answer: ChatResponse | CompletionResponse) -> Usage:
    raw = answer.raw
    usage = _field(raw, "usage") or _field(raw, "usage_metadata") or answer.additional_kwargs

    def count(*names: str, of: Any = usage) -> int:
        return next((number for name in names if type(number := _field(of, name)) is int), 0)

    return Usage(
        count("prompt_tokens", "input_tokens", "prompt_token_count"),
        count("completion_tokens", "output_tokens", "candidates_token_count"),
        count("cached_tokens", of=_field(usage, "prompt_tokens_details")),
        count("reasoning_tokens", of=_field(usage, "completion_tokens_details")),
    )


def _reasons(raw: Any) -> Iterator[object]:
    """Give why the model ended, in the spellings of Anthropic, Ollama, OpenAI and Google."""
    yield from (_field(raw, name) for name in ("stop_reason", "done_reason", "finish_reason"))
    for choices in (_field(raw, "choices"), _field(raw, "candidates")):
        yield from (_field(choice, "finish_reason") for choice in (choices or ())[:1])
