import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.fake_chat_models import (
    FakeListChatModel,
    FakeMessagesListChatModel,
    GenericFakeChatModel,
)
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    HumanMessage,
    ToolMessage,
    message_chunk_to_message,
)
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser, StrOutputParser
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda
from pydantic import BaseModel

from mserve.errors import ProgramError
from mserve.events import (
    Event,
    Finish,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from mserve.programs.adapt import adapt
from mserve.transcript import Reply
from programs.ecosystems.saying import Program, folded, reply, say, say_items

LIMIT = 5.0


class Scripted(BaseChatModel):
    """A model that says these chunks, or whole what LangChain makes of them; `left` once its stream is closed."""

    chunks: list[AIMessageChunk]
    endless: bool = False
    left: bool = False

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(self, *_args: Any, **_options: Any) -> ChatResult:
        first, *rest = self.chunks
        message = message_chunk_to_message(first + rest if rest else first)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(self, *_args: Any, **_options: Any) -> Iterator[ChatGenerationChunk]:
        for said in self.chunks:
            yield ChatGenerationChunk(message=said.model_copy())

    async def _astream(self, *_args: Any, **_options: Any) -> AsyncIterator[ChatGenerationChunk]:
        try:
            for said in self._stream():
                yield said
            while self.endless:
                yield ChatGenerationChunk(message=chunk("more "))
                await asyncio.sleep(0)
        finally:
            self.left = True


def chunk(content: str = "", **fields: Any) -> AIMessageChunk:
    return AIMessageChunk(content=content, **fields)


def piece(index: int | None, args: str, *, call: str | None = None, name: str | None = None) -> AIMessageChunk:
    return chunk(tool_call_chunks=[tool_call_chunk(name=name, args=args, id=call, index=index)])


def spent(prompt: int, answer: int, cached: int = 0, thought: int = 0) -> Any:
    details = {"input_token_details": {"cache_read": cached}, "output_token_details": {"reasoning": thought}}
    return {"input_tokens": prompt, "output_tokens": answer, "total_tokens": prompt + answer, **details}


# ---- streamed equals whole

TEXT = st.text(max_size=5)
ARGUMENTS = st.dictionaries(TEXT, TEXT | st.integers(0, 9), max_size=2).map(json.dumps)
COUNTS = st.tuples(*[st.integers(0, 99)] * 4)


@st.composite
def chunks_of_a_message(draw: st.DrawFn) -> list[AIMessageChunk]:
    made = [chunk(text) for text in draw(st.lists(TEXT, max_size=3))]
    made += [chunk(additional_kwargs={"reasoning_content": text}) for text in draw(st.lists(TEXT))]
    for index, arguments in enumerate(draw(st.lists(ARGUMENTS, max_size=2))):
        cut = draw(st.integers(0, len(arguments)))
        made.append(piece(index, arguments[:cut], call=f"call {index}", name=draw(st.sampled_from(["add", "ask"]))))
        made.append(piece(index, arguments[cut:]))
    made += [chunk(usage_metadata=spent(*counts)) for counts in draw(st.lists(COUNTS, max_size=2))]
    reasons = [{"finish_reason": "length"}, {"finish_reason": "stop"}, {}]
    made.append(chunk(response_metadata=draw(st.sampled_from(reasons))))
    return made


def comparable(said: Reply) -> Any:
    """Give a reply with its arguments as values: LangChain parses those of a whole message."""
    calls = [(call.id, call.name, json.loads(call.arguments)) for call in said.calls]
    return said.text, said.reasoning, calls, said.usage, said.reason


@settings(max_examples=30, deadline=None)
@given(chunks_of_a_message())
async def test_a_streamed_message_says_what_the_whole_one_says(chunks: list[AIMessageChunk]) -> None:
    model = Scripted(chunks=chunks)
    whole = await reply(lambda: model.ainvoke("hi"))
    assert comparable(await reply(lambda: model.astream("hi"))) == comparable(whole)
    assert await reply(lambda: model.invoke("hi"), sync=True) == whole
    message = await model.ainvoke("hi")
    assert whole.text == message.content
    if (usage := message.usage_metadata) is not None:
        assert whole.usage == Usage(
            usage["input_tokens"],
            usage["output_tokens"],
            usage["input_token_details"]["cache_read"],
            usage["output_token_details"]["reasoning"],
        )


def ways() -> dict[str, tuple[Program, bool]]:
    def listed() -> FakeListChatModel:
        return FakeListChatModel(responses=["Hello, you!"])

    def generic() -> GenericFakeChatModel:
        return GenericFakeChatModel(messages=iter([AIMessage("Hello, you!")]))

    def chain() -> Any:
        return ChatPromptTemplate.from_template("{topic}") | listed() | StrOutputParser()

    def answer(_: str) -> AIMessage:
        return AIMessage("Hello, you!")

    async def chunk_by_chunk() -> AsyncIterator[Any]:
        async for said in listed().astream("hi"):
            yield said

    def sync_chunk_by_chunk() -> Iterator[Any]:
        yield from generic().stream("hi")

    return {
        "whole": (lambda: listed().ainvoke("hi"), False),
        "whole, sync": (lambda: generic().invoke("hi"), True),
        "list of messages": (
            lambda: FakeMessagesListChatModel(responses=[AIMessage("Hello, you!")]).invoke("hi"),
            True,
        ),
        "stream": (lambda: generic().astream("hi"), False),
        "stream, sync": (lambda: listed().stream("hi"), True),
        "chunk by chunk": (chunk_by_chunk, False),
        "chunk by chunk, sync": (sync_chunk_by_chunk, True),
        "chain": (lambda: chain().astream({"topic": "sea"}), False),
        "chain, whole": (lambda: chain().ainvoke({"topic": "sea"}), False),
        "chain, sync": (lambda: chain().stream({"topic": "sea"}), True),
        "lambda": (lambda: RunnableLambda(answer).ainvoke("hi"), False),
    }


@pytest.mark.parametrize("way", ways())
async def test_every_way_to_hand_over_an_answer_says_the_same(way: str) -> None:
    program, sync = ways()[way]
    events = await say(program, sync=sync)
    assert folded(events).text == "Hello, you!"
    if "stream" in way or "chunk" in way:
        assert len(events) > 1


@pytest.mark.filterwarnings("ignore:The method `.*` is in beta:langchain_core._api.beta_decorator.LangChainBetaWarning")
async def test_a_stream_of_the_third_protocol_is_its_message() -> None:
    model = Scripted(chunks=[chunk("a"), chunk("b")])
    assert await say(lambda: model.astream_events("hi", version="v3")) == [TextDelta("ab")]


# ---- texts


@pytest.mark.parametrize(
    ("content", "more"),
    [
        (
            [{"type": "thinking", "thinking": "hm", "index": 0}, {"type": "text", "text": "so"}],
            {"provider": "anthropic"},
        ),
        ([{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "so"}], {"version": "v1"}),
        (
            [
                {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "hm"}]},
                {"type": "text", "text": "so"},
            ],
            {"provider": "openai"},
        ),
        (["so", {"type": "reasoning", "reasoning": "hm"}], {}),
        ("so", {"kwargs": {"reasoning_content": "hm"}}),
    ],
)
@pytest.mark.parametrize("kind", [AIMessage, AIMessageChunk])
async def test_reasoning_is_told_apart_from_the_text_in_every_spelling(
    kind: type[AIMessage], content: Any, more: dict[str, Any]
) -> None:
    metadata = {"model_provider": more.get("provider"), "output_version": more.get("version")}
    message = kind(content, additional_kwargs=more.get("kwargs", {}), response_metadata=metadata)
    assert await say_items(message) == [ReasoningDelta("hm"), TextDelta("so")]


async def test_blocks_that_are_no_text_are_left_out() -> None:
    blocks: list[Any] = [{"type": "tool_use", "id": "a"}, {"type": "text", "text": "so"}, {"type": "reasoning"}]
    assert await say_items(AIMessage(blocks)) == [TextDelta("so")]


@pytest.mark.parametrize(
    "message",
    [AIMessage("", additional_kwargs={"refusal": "No."}), AIMessage([{"type": "refusal", "refusal": "No."}])],
)
async def test_a_refusal_is_told_as_one(message: AIMessage) -> None:
    assert await say_items(message) == [RefusalDelta("No.")]
    assert await say_items(AIMessage("so", additional_kwargs={"refusal": None})) == [TextDelta("so")]


class OfAProvider(AIMessage):
    pass


async def test_a_providers_own_message_is_read_like_any() -> None:
    assert await say_items(OfAProvider(content="so")) == [TextDelta("so")]


# ---- calls


async def test_the_pieces_of_calls_are_told_by_their_indexes() -> None:
    chunks = [
        piece(0, "", call="a", name="add"), piece(1, '{"b"', call="b", name="ask"), piece(0, '{"a"'),
        piece(0, ":1}"), piece(1, ":2}"),
    ]  # fmt: skip
    assert await say_items(*chunks) == [
        ToolCallStart("a", "add"), ToolCallStart("b", "ask"), ToolCallDelta("b", '{"b"'), ToolCallDelta("a", '{"a"'),
        ToolCallDelta("a", ":1}"), ToolCallDelta("b", ":2}"),
    ]  # fmt: skip


async def test_calls_without_an_index_are_whole() -> None:
    calls: Any = [{"name": "add", "args": {"a": 1}, "id": "a"}, {"name": "add", "args": {}, "id": "b"}]
    told = folded(await say_items(chunk(tool_calls=calls))).calls
    assert [(call.id, call.name, json.loads(call.arguments)) for call in told] == [
        ("a", "add", {"a": 1}),
        ("b", "add", {}),
    ]


async def test_a_call_may_lack_its_id_or_its_name() -> None:
    nameless = [piece(None, "{}", name="add"), piece(None, "{}", name="ask"), piece(0, "{}", call="a")]
    told = folded(await say_items(*nameless)).calls
    assert [(call.name, call.arguments) for call in told] == [("add", "{}"), ("ask", "{}"), ("", "{}")]
    assert len({call.id for call in told}) == 3


async def test_calls_of_several_messages_are_kept_apart() -> None:
    chunks = [piece(0, '{"a":', name="add"), piece(0, "1}")]
    one, two = ([said.model_copy(update={"id": name}) for said in chunks] for name in ("one", "two"))
    told = folded(await say_items(one[0], two[0], two[1], one[1])).calls
    assert [(call.name, call.arguments) for call in told] == [("add", '{"a":1}')] * 2
    assert len({call.id for call in told}) == 2


async def test_calls_that_share_an_index_are_told_apart_by_their_ids() -> None:
    chunks = [piece(0, "{}", call=name, name="add") for name in "ab"]
    assert [call.id for call in folded(await say_items(*chunks, piece(0, "", call="b"))).calls] == ["a", "b"]


async def test_a_whole_message_says_its_calls_the_broken_ones_too() -> None:
    message = AIMessage(
        "Let me see. ",
        tool_calls=[{"name": "ask", "args": {"city": "Évora"}, "id": "a"}, {"name": "add", "args": {}, "id": None}],
        invalid_tool_calls=[
            {"name": "ask", "args": '{"city', "id": "b", "error": None},
            {"name": None, "args": None, "id": "c", "error": None},
        ],
    )  # fmt: skip
    told = folded(await say_items(message))
    assert told.text == "Let me see. "
    assert told.reason == "tool_calls"
    assert [(call.name, call.arguments) for call in told.calls] == [
        ("ask", '{"city":"Évora"}'), ("add", "{}"), ("ask", '{"city'), ("", "{}"),
    ]  # fmt: skip
    assert [call.id for call in told.calls if call.name != "add"] == ["a", "b", "c"]
    assert told.calls[1].id.startswith("call_")


# ---- usage and the end


async def test_a_usage_without_details_counts_what_there_is() -> None:
    usage: Any = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
    assert await say_items(AIMessage("", usage_metadata=usage)) == [Usage(3, 4)]


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"finish_reason": "length"}, "length"), ({"finish_reason": "content_filter"}, "content_filter"),
        ({"finish_reason": "MAX_TOKENS"}, "length"), ({"finish_reason": "SAFETY"}, "content_filter"),
        ({"stop_reason": "max_tokens"}, "length"), ({"stop_reason": "refusal"}, "content_filter"),
        ({"stopReason": "max_tokens"}, "length"), ({"stopReason": "guardrail_intervened"}, "content_filter"),
        ({"done_reason": "length"}, "length"), ({"incomplete_details": {"reason": "max_output_tokens"}}, "length"),
    ],
)  # fmt: skip
async def test_a_reply_that_was_cut_says_so_once(metadata: dict[str, Any], reason: Any) -> None:
    assert await say_items(AIMessage("so", response_metadata=metadata)) == [TextDelta("so"), Finish(reason)]
    chunks = [chunk(response_metadata=metadata), chunk(response_metadata=metadata)]
    assert await say_items(*chunks) == [Finish(reason)]


@pytest.mark.parametrize(
    "metadata",
    [
        {"finish_reason": "stop"}, {"finish_reason": "tool_calls"}, {"finish_reason": ""}, {"finish_reason": None},
        {"finish_reason": 1}, {"stop_reason": "end_turn"}, {"done_reason": "stop"}, {"incomplete_details": None}, {},
    ],
)  # fmt: skip
async def test_a_reply_that_was_not_cut_may_go_on(metadata: dict[str, Any]) -> None:
    chunks = [chunk("one ", response_metadata=metadata), chunk("two", response_metadata=metadata)]
    assert await say_items(*chunks) == [TextDelta("one "), TextDelta("two")]


async def test_leaving_closes_the_models_stream() -> None:
    model = Scripted(chunks=[chunk("first")], endless=True)
    async with aclosing(adapt(lambda: model.astream("hi"), sync=False, name="test")) as events:
        assert await anext(events) == TextDelta("first")
        assert not model.left
    async with asyncio.timeout(LIMIT):
        while not model.left:
            await asyncio.sleep(0)


# ---- LangGraph, whose `stream_mode="messages"` gives a message or a chunk with the place in the graph it is from

PLACE = {"langgraph_node": "agent", "langgraph_step": 1}


def of_an_agent() -> list[Any]:
    """Give what a graph streams of an agent that runs a tool, and then answers."""
    cut = {"finish_reason": "length"}
    messages: list[Any] = [
        chunk("Let me ", additional_kwargs={"reasoning_content": "hm"}), chunk("look. "),
        piece(0, '{"city": ', call="a", name="weather"), piece(0, '"Lisbon"}'),
        chunk(usage_metadata=spent(1, 2), response_metadata=cut),
        ToolMessage(content="sunny", tool_call_id="a"),
        AIMessage("It is sunny.", usage_metadata=spent(3, 4), tool_calls=[{"name": "add", "args": {}, "id": "b"}]),
        HumanMessage("Thanks"),
    ]  # fmt: skip
    return [(message, PLACE) for message in messages]


@pytest.mark.parametrize("sync", [True, False])
async def test_of_a_graph_the_texts_and_usages_are_told_and_its_own_calls_are_not(*, sync: bool) -> None:
    said = [
        ReasoningDelta("hm"),
        TextDelta("Let me "),
        TextDelta("look. "),
        Usage(1, 2),
        TextDelta("It is sunny."),
        Usage(3, 4),
    ]
    assert await say(lambda: iter(of_an_agent()), sync=sync) == said


@pytest.mark.parametrize(
    "item", [("messages", (AIMessage("a"), PLACE)), (AIMessage("a"), 1), (AIMessage("a"), PLACE, 1), ("a", PLACE)]
)
async def test_any_other_tuple_is_the_programs_error(item: object) -> None:
    with pytest.raises(ProgramError, match="of type tuple; return its first item"):
        await say_items(item)


# ---- what is not served, and what is JSON


class City(BaseModel):
    name: str


@pytest.mark.parametrize("parser", [JsonOutputParser(), PydanticOutputParser(pydantic_object=City)])
async def test_what_a_parser_makes_of_an_answer_is_a_whole_reply(parser: Any) -> None:
    model = FakeListChatModel(responses=['{"name": "Lisbon"}'])
    assert await say(lambda: (model | parser).ainvoke("hi")) == [TextDelta('{"name":"Lisbon"}')]


OTHERS: list[object] = [
    HumanMessage("a"), ToolMessage(content="a", tool_call_id="a"), ChatMessage(content="a", role="b"), Document("a"),
    ChatPromptTemplate.from_template("a").invoke({}), FakeListChatModel(responses=[]), ChatResult(generations=[]),
]  # fmt: skip


@pytest.mark.parametrize("other", OTHERS, ids=lambda other: type(other).__name__)
async def test_any_other_type_of_langchains_is_the_programs_error_and_names_the_type(other: object) -> None:
    with pytest.raises(ProgramError, match=f"of LangChain, .* not {type(other).__name__}$"):
        await say_items(other)


async def test_messages_of_several_models_follow_each_other() -> None:
    first = AIMessage("one ", response_metadata={"finish_reason": "stop"}, usage_metadata=spent(1, 1))
    events: list[Event] = await say_items(first, "two ", chunk("three", usage_metadata=spent(1, 1)))
    assert folded(events).text == "one two three"
    assert folded(events).usage == Usage(2, 2)
