import json
import threading
from collections.abc import AsyncIterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import openai
import pytest
from mellea.backends.model_options import ModelOption
from mellea.backends.ollama import OllamaModelBackend
from mellea.backends.openai import OpenAIBackend
from mellea.backends.tools import MelleaTool
from mellea.core import CBlock, ComputedModelOutputThunk, ModelOutputThunk, SamplingResult

from mserve.errors import ProgramError
from mserve.events import Event, Finish, FinishReason, ReasoningDelta, TextDelta, Usage
from mserve.transcript import Reply
from processes import Serve
from programs.ecosystems.mellea_says import STREAM, events_of, reply_of, run, texts, thunk_of

SCRIPTED = """
from mserve import Finish, ReasoningDelta, ToolCallDelta, ToolCallStart, Usage

async def serve(prompt):
    if prompt == "call":
        for call, city in (("a", "Lisbon"), ("b", "Oslo")):
            yield ToolCallStart(call, "weather")
            yield ToolCallDelta(call, '{"city": ')
            yield ToolCallDelta(call, f'"{city}"}}')
    else:
        yield ReasoningDelta("hm, ")
        yield ReasoningDelta("well")
        yield "the "
        yield "answer"
    if prompt == "break":
        raise RuntimeError
    yield Usage(7, 5, cached_tokens=3, reasoning_tokens=2)
"""


@pytest.fixture(scope="module")
async def scripted(serve_module: Serve) -> AsyncIterator[OpenAIBackend]:
    made = OpenAIBackend("scripted", base_url=serve_module(SCRIPTED).base_url, api_key="none", max_retries=0)
    yield made
    await made.aclose()


# ---- calls, reasoning and failures


@pytest.mark.parametrize("options", [{}, STREAM])
async def test_the_clients_tools_are_called(scripted: OpenAIBackend, options: dict[str, Any]) -> None:
    weather = MelleaTool("weather", print, {"type": "function", "function": {"name": "weather"}})
    options = options | {ModelOption.TOOLS: [weather]}
    events = await events_of(await thunk_of(scripted, "call", model_options=options, tool_calls=True))
    calls = [(call.id, call.name, json.loads(call.arguments)) for call in reply_of(events).calls]
    assert calls == [("a", "weather", {"city": "Lisbon"}), ("b", "weather", {"city": "Oslo"})]
    assert events[-2:] == [Usage(7, 5, 3, 2), Finish("tool_calls")]


async def test_streamed_reasoning_comes_in_deltas_of_its_own_before_the_answer(scripted: OpenAIBackend) -> None:
    events = await events_of(await thunk_of(scripted, "think", model_options=STREAM))
    reply = reply_of(events)
    assert (reply.reasoning, reply.text) == ("hm, well", "the answer")
    assert list(dict.fromkeys(map(type, events))) == [ReasoningDelta, TextDelta, Usage, Finish]


@pytest.mark.parametrize("sampled", [False, True])
async def test_whole_reasoning_is_one_delta(scripted: OpenAIBackend, *, sampled: bool) -> None:
    thunk = await thunk_of(scripted, "think", await_result=True)
    said = SamplingResult(0, success=True, sample_generations=[ComputedModelOutputThunk(thunk)]) if sampled else thunk
    assert await events_of(said) == [
        ReasoningDelta("hm, well"),
        TextDelta("the answer"),
        Usage(7, 5, 3, 2),
        Finish("stop"),
    ]


async def keep(events: AsyncIterator[Event], told: list[Event]) -> None:
    async for event in events:
        told.append(event)  # noqa: PERF401  # what came before an error is kept


async def test_a_backend_that_fails_fails_the_run_after_what_it_said(scripted: OpenAIBackend) -> None:
    events = run(partial(thunk_of, scripted, "break", model_options=STREAM))
    told: list[Event] = []
    with pytest.raises(openai.APIError):
        await keep(events, told)
    assert "".join(texts(told)) == "the answer"


@pytest.mark.parametrize("text", ["", "half"])
async def test_a_thunk_with_an_error_is_a_failure_and_says_nothing(text: str) -> None:
    thunk: ModelOutputThunk[str] = ModelOutputThunk(text)
    thunk._error = EOFError("the backend gave up")
    with pytest.raises(EOFError):
        await anext(run(lambda: thunk))


@pytest.mark.parametrize(
    ("reasons", "reason"),
    [
        (None, "stop"),
        (["stop"], "stop"),
        (["length"], "length"),
        (["load"], "stop"),
        (["content_filter"], "content_filter"),
    ],
)
async def test_the_backends_reason_ends_the_reply(reasons: list[str] | None, reason: FinishReason) -> None:
    thunk: ModelOutputThunk[str] = ModelOutputThunk("text")
    thunk.generation.finish_reasons = reasons
    assert await events_of(thunk) == [TextDelta("text"), Finish(reason)]


@pytest.mark.parametrize("sampled", [False, True])
async def test_an_empty_value_says_nothing(*, sampled: bool) -> None:
    thunk: ModelOutputThunk[str] = ModelOutputThunk("")
    said = SamplingResult(0, success=True, sample_generations=[ComputedModelOutputThunk(thunk)]) if sampled else thunk
    assert await events_of(said) == [Finish("stop")]


async def test_another_object_of_melleas_is_the_programs_error() -> None:
    with pytest.raises(ProgramError, match="of type CBlock"):
        await events_of(CBlock("hello"))


# ---- Ollama, whose words are its own


class Ollama(BaseHTTPRequestHandler):
    """What Ollama answers: one JSON line for each piece, the last with the reason and the counts."""

    pieces: ClassVar = [
        {"message": {"role": "assistant", "content": "", "thinking": "hm"}, "done": False},
        {"message": {"role": "assistant", "content": "the sea"}, "done": False},
        {
            "message": {"role": "assistant", "content": " is"},
            "done": True,
            "done_reason": "length",
            "prompt_eval_count": 9,
            "eval_count": 3,
        },
    ]

    def do_GET(self) -> None:
        self._answer({"models": [{"model": "scripted"}]})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self._answer(*self.pieces)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""

    def _answer(self, *lines: dict[str, Any]) -> None:
        self.send_response(200)
        self.end_headers()
        for line in lines:
            self.wfile.write(json.dumps({"model": "scripted"} | line).encode() + b"\n")


@pytest.fixture
async def ollama() -> AsyncIterator[OllamaModelBackend]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Ollama) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        made = OllamaModelBackend("scripted", base_url=f"http://127.0.0.1:{server.server_port}")
        yield made
        await made.aclose()
        server.shutdown()
        thread.join()


async def test_ollamas_reason_thinking_and_counts_are_understood(ollama: OllamaModelBackend) -> None:
    reply = reply_of(await events_of(await thunk_of(ollama, model_options=STREAM)))
    assert reply == Reply(text="the sea is", reasoning="hm", calls=(), usage=Usage(9, 3), reason="length")
