import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from typing import Any

import openai
import pytest

from mserve.errors import ProgramError
from mserve.events import Event, TextDelta, Usage
from mserve.programs.adapt import adapt, is_sync
from mserve.transcript import Order, Reply, ToolCall, Transcript

LIMIT = 5.0
HEADERS = "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n"
ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
Program = Callable[[], Any]


def frame(delta: dict[str, Any], reason: str | None = None, **rest: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return data({"choices": [choice], **rest})


def data(fields: dict[str, Any]) -> bytes:
    fields = {"id": "one", "object": "chat.completion.chunk", "created": 1, "model": "m", **fields}
    return f"data: {json.dumps(fields)}\n\n".encode()


def call(index: int, arguments: str, **start: Any) -> dict[str, Any]:
    name = {"name": start.pop("name")} if start else {}
    return {"index": index, **start, "function": {**name, "arguments": arguments}}


USAGE = {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}
FRAMES = [
    frame({"role": "assistant"}),
    frame({"reasoning_content": "let me ", "reasoning": "let me "}),
    frame({"reasoning": "think"}),
    frame({"content": "Héllo "}),
    frame({"content": "😀"}),
    frame({"tool_calls": [call(0, "", id="a", type="function", name="add")]}),
    frame({"tool_calls": [call(1, '{"b"', id="b", type="function", name="ask"), call(0, '{"a"')]}),
    frame({"tool_calls": [call(0, ":1}"), call(1, ":2}")]}),
    frame({}, "tool_calls"),
    data({"choices": [], "usage": USAGE}),
    b"data: [DONE]\n\n",
]
CALLS = [
    {"id": "a", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}},
    {"id": "b", "type": "function", "function": {"name": "ask", "arguments": '{"b":2}'}},
]
MESSAGE = {"role": "assistant", "content": "Héllo 😀", "reasoning": "let me think", "tool_calls": CALLS}
WHOLE = {
    "id": "one", "object": "chat.completion", "created": 1, "model": "m", "usage": USAGE,
    "choices": [{"index": 0, "message": MESSAGE, "finish_reason": "tool_calls"}],
}  # fmt: skip
REPLY = Reply(
    text="Héllo 😀", reasoning="let me think", usage=Usage(5, 6), reason="tool_calls",
    calls=(ToolCall("a", "add", '{"a":1}'), ToolCall("b", "ask", '{"b":2}')),
)  # fmt: skip


class Upstream:
    """A model's server: the same reply to each request, or text without end. `left` is set when a client hangs up."""

    def __init__(self) -> None:
        self.endless = False
        self.left = asyncio.Event()
        self.url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answer(reader, writer)
        except ConnectionError:
            self.left.set()
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        asked = json.loads(await reader.readexactly(int(length.split(b":")[1])))
        streams = asked.get("stream", False)
        writer.write(HEADERS.format(kind="text/event-stream" if streams else "application/json").encode())
        while self.endless and not reader.at_eof():
            writer.write(frame({"content": "more "}))
            await writer.drain()
            await asyncio.sleep(0)
        if reader.at_eof():
            self.left.set()
        writer.write(b"".join(FRAMES) if streams else json.dumps(WHOLE).encode())


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    upstream = Upstream()
    async with await asyncio.start_server(upstream.answer, "127.0.0.1", 0) as server:
        upstream.url = "http://{}:{}/v1".format(*server.sockets[0].getsockname())
        yield upstream


@pytest.fixture
async def client(upstream: Upstream) -> AsyncIterator[openai.AsyncOpenAI]:
    http = openai.DefaultAsyncHttpxClient(trust_env=False, verify=False)
    async with openai.AsyncOpenAI(api_key="k", base_url=upstream.url, http_client=http, max_retries=0) as client:
        yield client


@pytest.fixture
def sync_client(upstream: Upstream) -> Iterator[openai.OpenAI]:
    http = openai.DefaultHttpxClient(trust_env=False, verify=False)
    with openai.OpenAI(api_key="k", base_url=upstream.url, http_client=http, max_retries=0) as client:
        yield client


STREAMED = ["stream", "stream_within", "chunk_by_chunk", "event_stream", "event_by_event"]


@pytest.fixture
def program(request: pytest.FixtureRequest, client: openai.AsyncOpenAI, sync_client: openai.OpenAI) -> Program:
    """Give a program that hands over what the SDK gives, by the kind of its client and its name."""
    kind, name = request.param
    ways = async_ways(client) if kind == "async" else sync_ways(sync_client)
    return next(way for way in ways if way.__name__ == name)


def ways(*names: str) -> pytest.MarkDecorator:
    every = [(kind, name) for kind in ("async", "sync") for name in names]
    return pytest.mark.parametrize("program", every, ids=" ".join, indirect=True)


def async_ways(client: openai.AsyncOpenAI) -> list[Program]:
    create = client.chat.completions.create

    async def whole() -> Any:
        return await create(**ASK)

    async def stream() -> Any:
        return await create(**ASK, stream=True)

    async def stream_within() -> AsyncIterator[Any]:
        async with await create(**ASK, stream=True) as stream:
            yield stream

    async def chunk_by_chunk() -> AsyncIterator[Any]:
        async with await create(**ASK, stream=True) as stream:
            async for chunk in stream:
                yield chunk

    async def event_stream() -> AsyncIterator[Any]:
        async with client.chat.completions.stream(**ASK) as stream:
            yield stream

    async def event_by_event() -> AsyncIterator[Any]:
        async with client.chat.completions.stream(**ASK) as stream:
            async for event in stream:
                yield event

    return [whole, stream, stream_within, chunk_by_chunk, event_stream, event_by_event]


def sync_ways(client: openai.OpenAI) -> list[Program]:
    create = client.chat.completions.create

    def whole() -> Any:
        return create(**ASK)

    def stream() -> Any:
        return create(**ASK, stream=True)

    def stream_within() -> Iterator[Any]:
        with create(**ASK, stream=True) as stream:
            yield stream

    def chunk_by_chunk() -> Iterator[Any]:
        with create(**ASK, stream=True) as stream:
            yield from stream

    def event_stream() -> Iterator[Any]:
        with client.chat.completions.stream(**ASK) as stream:
            yield stream

    def event_by_event() -> Iterator[Any]:
        with client.chat.completions.stream(**ASK) as stream:
            yield from stream

    return [whole, stream, stream_within, chunk_by_chunk, event_stream, event_by_event]


def speak(program: Program) -> Any:
    return aclosing(adapt(program, sync=is_sync(program), name="test"))


@ways("whole", *STREAMED)
async def test_every_way_to_hand_over_a_reply_says_the_same(program: Program) -> None:
    order, transcript = Order(), Transcript()
    async with speak(program) as events:
        async for event in events:
            order.admit(event)
            transcript.add(event)
    assert transcript.reply() == REPLY


@ways(*STREAMED)
async def test_what_a_program_leaves_half_read_is_closed(upstream: Upstream, program: Program) -> None:
    upstream.endless = True
    async with speak(program) as events:
        assert [await anext(events) for _ in range(3)] == [TextDelta("more ")] * 3
        assert not upstream.left.is_set()
    async with asyncio.timeout(LIMIT):
        await upstream.left.wait()


async def test_several_completions_in_one_program_are_put_together(client: openai.AsyncOpenAI) -> None:
    async def program() -> AsyncIterator[Any]:
        first = await client.chat.completions.create(**ASK)
        yield first.choices[0].message.content
        async for chunk in await client.chat.completions.create(**ASK, stream=True):
            yield chunk

    said: list[Event] = []
    async with speak(program) as events:
        said += [event async for event in events]
    assert "".join(event.text for event in said if isinstance(event, TextDelta)) == "Héllo 😀" * 2


async def test_a_stream_of_something_else_is_the_programs_error(client: openai.AsyncOpenAI) -> None:
    async def program() -> Any:
        return await client.completions.create(model="m", prompt="hi", stream=True)

    async with speak(program) as events:
        with pytest.raises(ProgramError, match="not Completion"):
            await anext(events)


async def test_a_manager_that_was_not_entered_is_the_programs_error(sync_client: openai.OpenAI) -> None:
    async with speak(lambda: sync_client.chat.completions.stream(**ASK)) as events:
        with pytest.raises(ProgramError, match="not ChatCompletionStreamManager"):
            await anext(events)


async def test_an_error_of_the_sdk_comes_through(client: openai.AsyncOpenAI) -> None:
    async with speak(lambda: client.with_options(base_url="http://127.0.0.1:1").chat.completions.create(**ASK)) as said:
        with pytest.raises(openai.APIConnectionError):
            await anext(said)
