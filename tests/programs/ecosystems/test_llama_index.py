import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llama_index.core import Document, SummaryIndex
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from llama_index.core.base.response.schema import PydanticResponse, Response, StreamingResponse
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.chat_engine.types import StreamingAgentChatResponse
from llama_index.core.llms import MockLLM
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.schema import TextNode
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel

from mserve.errors import ClientError, ProgramError
from mserve.events import Finish, TextDelta, ToolCallDelta, ToolCallStart, Usage
from mserve.programs.adapt import adapt
from programs.ecosystems.saying import Program, folded, reply, say, say_items

LIMIT = 5.0


class City(BaseModel):
    name: str


def assistant(*blocks: Any, **fields: Any) -> ChatMessage:
    return ChatMessage(role="assistant", blocks=list(blocks), **fields)


def chat(*blocks: Any, delta: str | None = None, **fields: Any) -> ChatResponse:
    return ChatResponse(message=assistant(*blocks), delta=delta, **fields)


# ---- answers of models

LLM = MockLLM(max_tokens=3)
MESSAGES = [ChatMessage("hi")]
MODELS: dict[str, tuple[Program, bool]] = {
    "complete": (lambda: LLM.complete("hi"), True),
    "acomplete": (lambda: LLM.acomplete("hi"), False),
    "stream_complete": (lambda: LLM.stream_complete("hi"), True),
    "astream_complete": (lambda: LLM.astream_complete("hi"), False),
    "chat": (lambda: LLM.chat(MESSAGES), True),
    "achat": (lambda: LLM.achat(MESSAGES), False),
    "stream_chat": (lambda: LLM.stream_chat(MESSAGES), True),
    "astream_chat": (lambda: LLM.astream_chat(MESSAGES), False),
    "message": (lambda: LLM.chat(MESSAGES).message, True),
}


@pytest.mark.parametrize("way", MODELS)
async def test_every_way_to_ask_a_model_says_the_same(way: str) -> None:
    program, sync = MODELS[way]
    events = await say(program, sync=sync)
    assert folded(events).text == "text text text"
    assert len(events) == (3 if "stream" in way else 1)


TEXT = st.text(max_size=5)


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[ChatResponse], ChatResponse]:
    """Give a stream as LlamaIndex makes it, whose messages grow and whose usage may run up, and all of it whole."""
    thoughts, texts = draw(st.lists(TEXT, max_size=3)), draw(st.lists(TEXT, max_size=3))
    arguments = draw(st.lists(st.dictionaries(TEXT, TEXT, max_size=2).map(json.dumps), max_size=2))
    prompt, answer = draw(st.integers(1, 99)), draw(st.integers(1, 99))
    spent = {"prompt_tokens": prompt, "completion_tokens": answer}
    early = draw(st.booleans())
    pieces = [chat(TextBlock(text=""), delta="", additional_kwargs={"thinking_delta": text}) for text in thoughts]
    for count, text in enumerate(texts, 1):
        pieces.append(chat(TextBlock(text="".join(texts[:count])), delta=text))
    calls: list[Any] = []
    for place, text in enumerate(arguments):
        for end in sorted({0, draw(st.integers(0, len(text))), len(text)}):
            call = ToolCallBlock(tool_call_id=f"call {place}", tool_name="add", tool_kwargs=text[:end])
            pieces.append(chat(TextBlock(text="".join(texts)), *calls, call, delta=""))
        calls.append(ToolCallBlock(tool_call_id=f"call {place}", tool_name="add", tool_kwargs=text))
    if early:
        for count, piece in enumerate(pieces, 1):
            piece.raw = {"usage": {"prompt_tokens": prompt, "completion_tokens": min(count, answer)}}
    pieces.append(chat(TextBlock(text="".join(texts)), *calls, delta="", raw={"usage": spent}))
    thinking = [ThinkingBlock(content=text) for text in thoughts]
    whole = chat(*thinking, TextBlock(text="".join(texts)), *calls, raw={"usage": spent})
    return pieces, whole


@settings(max_examples=50, deadline=None)
@given(streams())
async def test_a_streamed_answer_says_what_the_whole_one_says(stream: tuple[list[ChatResponse], ChatResponse]) -> None:
    pieces, whole = stream
    said = folded(await say_items(*pieces))
    assert said == folded(await say_items(whole))
    assert said.text == (whole.message.content or "")
    twice = folded(await say_items(whole, ".", whole.model_copy(update={"message": assistant()}))).usage
    assert (said.usage, twice) == (spent_of(whole), spent_of(whole, 2))


def spent_of(answer: ChatResponse, times: int = 1) -> Usage:
    usage: dict[str, int] = answer.raw["usage"]  # type: ignore[index]  # made above
    return Usage(times * usage["prompt_tokens"], times * usage["completion_tokens"])


@pytest.mark.parametrize(
    "fields",
    [
        {"raw": {"usage": {"prompt_tokens": 5, "completion_tokens": 6}}},
        {"raw": {"usage": {"input_tokens": 5, "output_tokens": 6}}},
        {"raw": SimpleNamespace(usage=SimpleNamespace(prompt_tokens=5, completion_tokens=6))},
        {"raw": {"usage_metadata": {"prompt_token_count": 5, "candidates_token_count": 6}}},
        {"raw": {"usage": None}, "additional_kwargs": {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}},
    ],
)
async def test_the_tokens_are_found_wherever_a_models_api_tells_them(fields: dict[str, Any]) -> None:
    assert await say_items(chat(TextBlock(text="a"), **fields)) == [TextDelta("a"), Usage(5, 6)]
    assert await say_items(CompletionResponse(text="a", **fields)) == [TextDelta("a"), Usage(5, 6)]


async def test_a_usage_has_its_details() -> None:
    details = {"prompt_tokens_details": {"cached_tokens": 3}, "completion_tokens_details": {"reasoning_tokens": 2}}
    usage = {"prompt_tokens": 5, "completion_tokens": 6, **details}
    assert await say_items(CompletionResponse(text="a", raw={"usage": usage})) == [TextDelta("a"), Usage(5, 6, 3, 2)]


@pytest.mark.parametrize(
    "raw", [None, {}, "raw", {"usage": None}, {"usage": {"prompt_tokens": None}}, SimpleNamespace()]
)
async def test_an_answer_that_does_not_know_its_tokens_says_none(raw: Any) -> None:
    assert await say_items(CompletionResponse(text="a", raw=raw, additional_kwargs={"other": 1})) == [TextDelta("a")]


async def test_the_usages_of_several_streams_add_up() -> None:
    totals = [(5, 1), (5, 2), (7, 1), (7, 4), (0, 0), (7, 4)]
    raws = [{"usage": {"prompt_tokens": prompt, "completion_tokens": answer}} for prompt, answer in totals]
    chunks = [CompletionResponse(text="", delta="a", raw=raw) for raw in raws]
    assert folded(await say_items(*chunks)).usage == Usage(5 + 7 + 7, 2 + 4 + 4)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ({"choices": [{"finish_reason": "length"}]}, "length"),
        (SimpleNamespace(choices=[SimpleNamespace(finish_reason="content_filter")]), "content_filter"),
        ({"stop_reason": "max_tokens"}, "length"), ({"done_reason": "length"}, "length"),
        ({"candidates": [{"finish_reason": "SAFETY"}]}, "content_filter"), ({"finish_reason": "MAX_TOKENS"}, "length"),
    ],
)  # fmt: skip
async def test_a_reply_that_was_cut_says_so_once(raw: Any, reason: Any) -> None:
    assert await say_items(CompletionResponse(text="a", raw=raw)) == [TextDelta("a"), Finish(reason)]
    ends = [chat(delta="", raw=raw)] * 2
    assert await say_items(*ends) == [Finish(reason)]


@pytest.mark.parametrize(
    "raw",
    [
        {"choices": [{"finish_reason": "stop"}, {"finish_reason": "length"}]},
        {"choices": []},
        {"stop_reason": "end_turn"},
    ],
)
async def test_a_reply_that_was_not_cut_may_go_on(raw: Any) -> None:
    answer = CompletionResponse(text="a", raw=raw)
    assert await say_items(answer, answer) == [TextDelta("a"), TextDelta("a")]


# ---- the calls of a model, which nobody has run


def weather(city: str = "Lisbon") -> str:
    return f"Sun in {city}."


@pytest.fixture
def calling() -> MockFunctionCallingLLM:
    """Give a model that calls all tools, and then says so."""
    return MockFunctionCallingLLM()


async def test_the_calls_in_a_models_answer_are_the_clients(calling: MockFunctionCallingLLM) -> None:
    tools = [FunctionTool.from_defaults(weather)]
    for program in (calling.chat_with_tools, calling.stream_chat_with_tools):
        told = await reply(lambda program=program: program(tools, "hi"), sync=True)  # type: ignore[misc]  # a default
        assert [(call.name, call.arguments) for call in told.calls] == [("weather", '{"city":"Lisbon"}')]
        assert told.reason == "tool_calls"


async def test_a_call_has_an_id_though_the_model_gave_none() -> None:
    blocks = [ToolCallBlock(tool_name=name, tool_kwargs={"a": "é"}) for name in ("add", "ask")]
    told = folded(await say_items(chat(*blocks, delta=""), chat(*blocks, delta=""))).calls
    assert [(call.name, call.arguments) for call in told] == [("add", '{"a":"é"}'), ("ask", '{"a":"é"}')]
    assert len({call.id for call in told}) == 2


async def test_arguments_that_come_late_are_told_when_they_come() -> None:
    pieces = [ToolCallBlock(tool_call_id="a", tool_name="add", tool_kwargs=kwargs) for kwargs in ({}, {"a": 1})]
    said = await say_items(*(assistant(piece) for piece in pieces))
    assert said == [ToolCallStart("a", "add"), ToolCallDelta("a", '{"a":1}')]


async def test_arguments_that_change_while_they_come_are_the_programs_error() -> None:
    pieces = [ToolCallBlock(tool_call_id="a", tool_name="add", tool_kwargs={"a": kwarg}) for kwarg in ("b", "bc")]
    with pytest.raises(ProgramError, match="changed while they came"):
        await say_items(*(chat(piece, delta="") for piece in pieces))


async def test_calls_in_a_place_of_the_models_own_are_the_programs_error() -> None:
    told_twice = assistant(ToolCallBlock(tool_call_id="a", tool_name="add"), additional_kwargs={"tool_calls": [1]})
    assert await say_items(told_twice) == [ToolCallStart("a", "add")]
    with pytest.raises(ProgramError, match="ToolCallBlock"):
        await say_items(assistant(additional_kwargs={"tool_calls": [{"id": "a"}]}))


# ---- engines


def chat_engine(llm: Any = LLM) -> Any:
    return SimpleChatEngine.from_defaults(llm=llm, memory=ChatMemoryBuffer.from_defaults(token_limit=1000))


def query_engine(*, streaming: bool) -> Any:
    return SummaryIndex.from_documents([Document(text="the sea")]).as_query_engine(llm=LLM, streaming=streaming)


ENGINES: dict[str, tuple[Program, bool]] = {
    "chat": (lambda: chat_engine().chat("hi"), True),
    "achat": (lambda: chat_engine().achat("hi"), False),
    "stream chat": (lambda: chat_engine().stream_chat("hi"), True),
    "astream chat": (lambda: chat_engine().astream_chat("hi"), False),
    "query": (lambda: query_engine(streaming=False).query("hi"), True),
    "aquery": (lambda: query_engine(streaming=False).aquery("hi"), False),
    "stream query": (lambda: query_engine(streaming=True).query("hi"), True),
    "astream query": (lambda: query_engine(streaming=True).aquery("hi"), False),
}


@pytest.mark.parametrize("way", ENGINES)
async def test_every_way_to_ask_an_engine_says_the_same(way: str) -> None:
    program, sync = ENGINES[way]
    events = await say(program, sync=sync)
    assert folded(events).text == "text text text"
    assert len(events) == (3 if "stream" in way else 1)


async def test_a_chat_engine_has_kept_the_history_when_its_answer_has_ended() -> None:
    engine = chat_engine()
    await say(lambda: engine.astream_chat("hi"))
    assert [message.content for message in engine.chat_history] == ["hi", "text text text"]


async def test_what_an_engine_does_at_the_end_is_not_cut_off() -> None:
    ended = []

    async def slow() -> None:
        await asyncio.sleep(0.02)
        ended.append(True)

    async def program() -> Any:
        answer = StreamingAgentChatResponse(achat_stream=await LLM.astream_chat(MESSAGES))
        keeping = answer.awrite_response_to_history(ChatMemoryBuffer.from_defaults(token_limit=1000), slow)
        answer.awrite_response_to_history_task = asyncio.create_task(keeping)
        return answer

    assert (await reply(program)).text == "text text text"
    assert ended


async def test_an_answer_of_which_no_history_is_kept_is_streamed_too() -> None:
    async def program() -> Any:
        stream = await LLM.astream_chat(MESSAGES)
        return StreamingAgentChatResponse(achat_stream=stream, is_writing_to_memory=False)

    assert (await reply(program)).text == "text text text"


async def test_a_stream_that_the_program_read_says_what_it_read() -> None:
    def program() -> Iterator[Any]:
        response = query_engine(streaming=True).query("hi")
        str(response)
        yield response

    assert await say(program, sync=True) == [TextDelta("text text text")]
    assert await say_items(StreamingResponse(iter(["a ", "b"]))) == [TextDelta("a "), TextDelta("b")]  # type: ignore[arg-type]  # a generator


async def test_an_engines_answer_may_be_empty_or_json() -> None:
    assert await say_items(Response(None), PydanticResponse(None)) == []
    assert await say_items(PydanticResponse(City(name="a"))) == [TextDelta('{"name":"a"}')]


class Endless(MockLLM):
    """A model that never ends; `left` is set when it is no longer asked."""

    left: Any = None
    error: Any = None

    async def astream_chat(self, *_args: Any, **_options: Any) -> Any:
        async def answer() -> AsyncIterator[ChatResponse]:
            try:
                while True:
                    yield chat(TextBlock(text="more "), delta="more ")
                    await asyncio.sleep(0)
                    if self.error is not None:
                        raise self.error
            finally:
                self.left.set()

        return answer()


@pytest.mark.parametrize("asks", [chat_engine, lambda llm: llm])
async def test_leaving_ends_the_asking(asks: Callable[[Any], Any]) -> None:
    llm = Endless(max_tokens=3)
    llm.left = asyncio.Event()
    program = adapt(lambda: asks(llm).astream_chat("hi"), sync=False, name="test")
    async with asyncio.timeout(LIMIT), aclosing(program) as events:
        assert [await anext(events) for _ in range(3)] == [TextDelta("more ")] * 3
        assert not llm.left.is_set()
    async with asyncio.timeout(LIMIT):
        await llm.left.wait()


async def test_what_a_chat_engines_model_raises_comes_through() -> None:
    llm = Endless(max_tokens=3)
    llm.left, llm.error = asyncio.Event(), ClientError("yours")
    with pytest.raises(ClientError, match="yours"):
        await say(lambda: chat_engine(llm).astream_chat("hi"))


# ---- what is not served

OTHERS: list[object] = [LLM, Document(text="a"), TextNode(text="a"), TextBlock(text="a"), LLM.metadata]


@pytest.mark.parametrize("other", OTHERS, ids=lambda other: type(other).__name__)
async def test_any_other_type_of_the_packages_is_the_programs_error_and_names_the_type(other: object) -> None:
    with pytest.raises(ProgramError, match=f"of LlamaIndex, .* not {type(other).__name__}$"):
        await say_items(other)
