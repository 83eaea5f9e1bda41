from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types import Completion, CreateEmbeddingResponse, Embedding
from openai.types.chat import ChatCompletion, ChatCompletionChunk, ChatCompletionMessage
from openai.types.responses import ResponseTextDeltaEvent

from mserve.errors import ProgramError
from mserve.events import Event, Finish, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta, ToolCallStart, Usage
from mserve.programs.adapt import adapt
from mserve.transcript import Order, Reply, Transcript

Build = Callable[[type[Any], dict[str, Any]], Any]


def validated(kind: type[Any], value: dict[str, Any]) -> Any:
    return kind.model_validate(value)


def constructed(kind: type[Any], value: dict[str, Any]) -> Any:
    """Build as the SDK builds what a server sent: without any check."""
    return kind.construct(**value)


@pytest.fixture(params=[validated, constructed])
def build(request: pytest.FixtureRequest) -> Build:
    made: Build = request.param
    return made


def chunk(build: Build, *choices: dict[str, Any], completion: str = "one", **rest: Any) -> Any:
    fields = {"id": completion, "created": 1, "model": "m", "object": "chat.completion.chunk"}
    given_ = [{"index": 0, "finish_reason": None, "delta": {}} | choice for choice in choices]
    return build(ChatCompletionChunk, {**fields, "choices": given_, **rest})


def delta(build: Build, **fields: Any) -> Any:
    return chunk(build, {"delta": fields})


def completion(build: Build, message: dict[str, Any], reason: str = "stop", **rest: Any) -> Any:
    said = {"role": "assistant", "content": None, "refusal": None, **message}
    choice = {"index": 0, "finish_reason": reason, "message": said, "logprobs": None}
    fields = {"id": "one", "created": 1, "model": "m", "object": "chat.completion"}
    return build(ChatCompletion, {**fields, "choices": [choice], **rest})


def usage(prompt: int, answer: int, **details: Any) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer, **details}


async def say(*items: object) -> list[Event]:
    async def program() -> AsyncIterator[object]:
        for item in items:
            yield item

    return [event async for event in adapt(program, sync=False, name="test")]


async def reply(*items: object) -> Reply:
    """Fold what is said of the items, in the legal order only."""
    order, transcript = Order(), Transcript()
    for event in await say(*items):
        order.admit(event)
        transcript.add(event)
    return transcript.reply()


async def test_the_pieces_of_a_text_come_through(build: Build) -> None:
    pieces = ["", "Hello", ", ", None, "you"]
    chunks = [delta(build, role="assistant", content=piece) for piece in pieces]
    assert await say(*chunks) == [TextDelta("Hello"), TextDelta(", "), TextDelta("you")]


@pytest.mark.parametrize("fields", [
    {"reasoning_content": "hm"}, {"reasoning": "hm"}, {"reasoning_content": "hm", "reasoning": "hm"},
    {"reasoning_content": None, "reasoning": "hm"}, {"reasoning_content": "", "reasoning": "hm"},
])  # fmt: skip
async def test_reasoning_is_told_once_in_either_spelling(build: Build, fields: dict[str, Any]) -> None:
    told = [ReasoningDelta("hm"), TextDelta("so")]
    assert await say(delta(build, content="so", **fields)) == told
    assert await say(completion(build, {"content": "so", **fields})) == [*told, Finish("stop")]


async def test_reasoning_that_is_no_text_is_left_out(build: Build) -> None:
    assert await say(delta(build, content="so", reasoning={"effort": "high"})) == [TextDelta("so")]


async def test_a_refusal_is_one(build: Build) -> None:
    assert await say(delta(build, refusal="I will not")) == [RefusalDelta("I will not")]
    assert await say(completion(build, {"refusal": "I will not"})) == [RefusalDelta("I will not"), Finish("stop")]


@pytest.mark.parametrize("reason", ["stop", "length", "tool_calls", "content_filter"])
async def test_a_finish_reason_comes_through(build: Build, reason: str) -> None:
    (said,) = await say(chunk(build, {"finish_reason": reason}))
    assert (said,) == tuple(await say(completion(build, {}, reason)))
    assert isinstance(said, Finish)
    assert said.reason == reason


async def test_a_finish_reason_of_former_days_is_a_stop(build: Build) -> None:
    assert await say(chunk(build, {"finish_reason": "function_call"})) == [Finish("stop")]
    assert await say(completion(build, {}, "function_call")) == [Finish("stop")]


async def test_a_finish_reason_that_a_server_made_up_is_a_stop() -> None:
    assert await say(chunk(constructed, {"finish_reason": "eos"})) == [Finish("stop")]


async def test_choices_but_the_first_are_left_out(build: Build) -> None:
    other = {"index": 1, "delta": {"content": "other"}, "finish_reason": "length"}
    first = {"index": 0, "delta": {"content": "first"}, "finish_reason": "stop"}
    assert await say(chunk(build, other), chunk(build, other, first)) == [TextDelta("first"), Finish("stop")]
    both = [{"index": n, "finish_reason": "stop", "message": {"role": "assistant", "content": str(n)}} for n in (0, 1)]
    whole = completion(build, {}, choices=both)
    assert await say(whole) == [TextDelta("0"), Finish("stop")]


async def test_a_completion_without_choices_says_its_usage_only(build: Build) -> None:
    assert await say(chunk(build), completion(build, {}, choices=[])) == []
    assert await say(chunk(build, usage=usage(1, 2))) == [Usage(1, 2)]
    assert await say(completion(build, {}, choices=[], usage=usage(1, 2))) == [Usage(1, 2)]


async def test_a_usage_has_its_details(build: Build) -> None:
    details = {"prompt_tokens_details": {"cached_tokens": 3}, "completion_tokens_details": {"reasoning_tokens": 4}}
    assert await say(chunk(build, usage=usage(5, 6, **details))) == [Usage(5, 6, 3, 4)]
    assert await say(completion(build, {}, usage=usage(5, 6, **details))) == [Finish("stop"), Usage(5, 6, 3, 4)]
    empty: dict[str, Any] = {"prompt_tokens_details": {}, "completion_tokens_details": {}}
    assert await say(chunk(build, usage=usage(5, 6, **empty))) == [Usage(5, 6)]


async def test_a_usage_that_a_server_left_half_empty_counts_what_there_is() -> None:
    assert await say(chunk(constructed, usage={"prompt_tokens": 5})) == [Usage(5, 0)]


@given(st.lists(st.tuples(*[st.integers(0, 99)] * 4), min_size=1, max_size=6))
async def test_a_running_total_is_counted_once(steps: list[tuple[int, int, int, int]]) -> None:
    totals = [[sum(step[n] for step in steps[: k + 1]) for n in range(4)] for k in range(len(steps))]
    chunks = [
        chunk(validated, {"delta": {"content": "a"}}, usage=usage(
            prompt, answer, prompt_tokens_details={"cached_tokens": cached},
            completion_tokens_details={"reasoning_tokens": thought},
        ))
        for prompt, answer, cached, thought in totals
    ]  # fmt: skip
    assert (await reply(*chunks)).usage == Usage(*totals[-1])


async def test_the_usages_of_several_completions_add_up(build: Build) -> None:
    chunks = [
        chunk(build, {"delta": {"content": name}}, completion=name, usage=usage(10, count))
        for count in (1, 2)
        for name in ("first", "second")
    ]
    assert (await reply(*chunks)).usage == Usage(20, 4)


Piece = tuple[int, str]
BOOLEANS = st.booleans()


@st.composite
def spoken_calls(draw: st.DrawFn) -> tuple[list[tuple[str | None, str]], list[list[Piece]]]:
    """Give calls by id and name, and the pieces of their arguments, interleaved and gathered into chunks."""
    calls = draw(st.lists(st.tuples(st.none() | st.uuids().map(str), st.sampled_from(["add", "ask"])), max_size=4))
    pieces = [(index, "") for index in range(len(calls))]
    if calls:
        pieces += draw(st.lists(st.tuples(st.integers(0, len(calls) - 1), st.text(max_size=3)), max_size=10))
    chunks: list[list[Piece]] = []
    for piece in pieces:
        if not chunks or draw(BOOLEANS):
            chunks.append([])
        chunks[-1].append(piece)
    return calls, chunks


def call_piece(piece: Piece, calls: list[tuple[str | None, str]], started: set[int]) -> dict[str, Any]:
    index, arguments = piece
    if index in started:
        return {"index": index, "function": {"arguments": arguments}}
    started.add(index)
    call, name = calls[index]
    return {"index": index, "type": "function", "id": call, "function": {"name": name, "arguments": arguments}}


@settings(max_examples=50)
@given(spoken_calls())
async def test_tool_calls_are_put_together_from_interleaved_pieces(
    spoken: tuple[list[tuple[str | None, str]], list[list[Piece]]],
) -> None:
    calls, pieces = spoken
    started: set[int] = set()
    chunks = [delta(validated, tool_calls=[call_piece(piece, calls, started) for piece in some]) for some in pieces]
    told = (await reply(*chunks)).calls
    arguments = ["".join(text for some in pieces for n, text in some if n == index) for index in range(len(calls))]
    assert [(call.name, call.arguments) for call in told] == [
        (name, text) for (_, name), text in zip(calls, arguments, strict=True)
    ]
    assert all(sent in (None, call.id) for (sent, _), call in zip(calls, told, strict=True))
    assert len({call.id for call in told}) == len(calls)


async def test_calls_without_ids_of_several_completions_are_kept_apart() -> None:
    function = {"name": "add", "arguments": "{}"}
    pieces = {"delta": {"tool_calls": [{"index": 0, "function": function}]}}
    told = (await reply(chunk(constructed, pieces, completion="a"), chunk(constructed, pieces, completion="b"))).calls
    assert [(call.name, call.arguments) for call in told] == [("add", "{}")] * 2


async def test_a_call_may_come_without_a_function_at_first(build: Build) -> None:
    first = {"index": 0, "id": "x", "type": "function"}
    more = {"index": 0, "function": {"arguments": "{}"}}
    said = await say(delta(build, tool_calls=[first]), delta(build, tool_calls=[more]))
    assert said == [ToolCallStart("x", ""), ToolCallDelta("x", "{}")]


async def test_calls_that_share_an_index_are_told_apart_by_their_ids(build: Build) -> None:
    calls = [{"index": 0, "id": name, "function": {"name": name, "arguments": "{}"}} for name in "ab"]
    said = await say(*(delta(build, tool_calls=[call]) for call in calls))
    assert [call.id for call in said if isinstance(call, ToolCallStart)] == ["a", "b"]


async def test_a_call_goes_on_in_chunks_with_ids_of_their_own(build: Build) -> None:
    first = {"tool_calls": [{"index": 0, "id": "x", "function": {"name": "add", "arguments": "{"}}]}
    more = {"tool_calls": [{"index": 0, "id": "x", "function": {"arguments": "}"}}]}
    chunks = [chunk(build, {"delta": part}, completion=name) for name, part in (("a", first), ("b", more))]
    (call,) = (await reply(*chunks)).calls
    assert (call.id, call.name, call.arguments) == ("x", "add", "{}")


async def test_a_call_of_a_type_that_nobody_knows_is_the_programs_error() -> None:
    call = {"id": "y", "type": "magic", "magic": {"name": "grep"}}
    with pytest.raises(ProgramError, match="'magic'"):
        await say(completion(constructed, {"tool_calls": [call]}, "tool_calls"))


async def test_a_whole_completion_says_all_of_its_calls(build: Build) -> None:
    function = {"id": "x", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}}
    said = await say(completion(build, {"tool_calls": [function]}, "tool_calls"))
    assert said == [ToolCallStart("x", "add"), ToolCallDelta("x", '{"a":1}'), Finish("tool_calls")]


OTHERS = [
    Completion.construct(id="a", choices=[]), Embedding.construct(embedding=[1.0]), CreateEmbeddingResponse.construct(),
    ChatCompletionMessage(role="assistant", content="text"), ResponseTextDeltaEvent.construct(delta="text"),
]  # fmt: skip


@pytest.mark.parametrize("other", OTHERS, ids=lambda other: type(other).__name__)
async def test_any_other_type_of_the_sdk_is_the_programs_error_and_names_the_type(other: object) -> None:
    with pytest.raises(ProgramError, match=type(other).__name__):
        await say(other)
