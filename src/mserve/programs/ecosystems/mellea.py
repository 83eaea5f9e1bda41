"""Mellea, both ways: its parameters in, its thunks and results out. The only file that imports it."""

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Literal, cast, get_args

from mellea.backends.model_options import ModelOption
from mellea.backends.tools import MelleaTool
from mellea.core import AudioBlock, ImageBlock, ImageUrlBlock, ModelOutputThunk, SamplingResult
from mellea.helpers.openai_compatible_helpers import build_tool_calls
from mellea.serve import ChatMessage, MessageContent
from mellea.stdlib.components import Message
from mellea.stdlib.context import ChatContext
from mellea.stdlib.session import MelleaSession
from mellea.stdlib.streaming import ChunkEvent, EventStreamer, Streamer, StreamEvent
from pydantic import ConfigDict, TypeAdapter, ValidationError

from mserve.errors import ClientError, ProgramError
from mserve.events import Event, Finish, FinishReason, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStart, Usage
from mserve.program import Call
from mserve.request import Parameters

from . import Reader, Said

# ---- in: what a program of `m serve` is called with


class InputMessage(ChatMessage):
    """Mellea's message, which by itself drops an assistant's tool calls and any further key."""

    model_config = ConfigDict(extra="allow")

    role: Literal["system", "user", "assistant", "tool", "function"]
    tool_calls: list[dict[str, Any]] | None = None

    def get_image_blocks(self) -> list[ImageBlock | ImageUrlBlock]:
        """Give the message's images; `ClientError` where one is none."""
        with _told_to_the_client():
            return super().get_image_blocks()

    def get_audio_blocks(self) -> list[AudioBlock]:
        """Give the message's recordings; `ClientError` where one is none."""
        with _told_to_the_client():
            return super().get_audio_blocks()


@contextmanager
def _told_to_the_client() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ClientError(f"messages: {error}", param="messages") from error


_PART: TypeAdapter[MessageContent] = TypeAdapter(MessageContent)


def _input(call: Call) -> list[InputMessage]:
    return [_message(message) for message in call.request.messages]


def _message(sent: dict[str, Any]) -> InputMessage:
    known = dict(sent)
    if known["role"] == "developer":
        known["role"] = "system"
    if isinstance(known.get("content"), list):
        known["content"] = [part for part in known["content"] if _is_known(part)]
    return InputMessage.model_validate(known)


def _is_known(part: object) -> bool:
    """Tell whether Mellea has a type for a content part; the others stay in `messages`."""
    try:
        _PART.validate_python(part)
    except ValidationError:
        return False
    return True


# What is no generation parameter: routing, the shape of the reply, and what other parameters of Mellea's give.
_NOT_OPTIONS = frozenset({
    "model", "messages", "n", "user", "stream", "stream_options", "response_format", "functions", "function_call",
    "metadata", "store", "safety_identifier", "service_tier", "requirements",
    "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention",
})  # fmt: skip


# Arguments of the SDK's own call, which backends would obey: no client shall set the headers sent upstream.
_NOT_THE_CLIENTS = frozenset({"extra_headers", "extra_query", "extra_body", "timeout"})


def _model_options(call: Call) -> dict[str, Any]:
    """Give what the client sent, and only that, under Mellea's keys where Mellea has one."""
    request = call.request
    sent = request.fields | {name: value for name, value in request.extra.items() if _is_the_clients(name)}
    sent |= {"tools": request.tools, "tool_choice": request.tool_choice}  # an older client's functions, too
    options = {name: value for name, value in sent.items() if name not in _NOT_OPTIONS and name not in _OPTIONS}
    for name, (key, spell) in _OPTIONS.items():
        if sent.get(name) is not None:
            options[key] = spell(sent[name])
    if request.stream:
        options[ModelOption.STREAM] = True
    return options


def _is_the_clients(name: str) -> bool:
    """Tell a field that a client may send from Mellea's own keys, such as the system prompt's, and the SDK's."""
    return name not in _NOT_THE_CLIENTS and not name.startswith("@@@")


def _as_is(value: object) -> object:
    return value


def _tools(tools: list[dict[str, Any]]) -> list[MelleaTool[..., Any]]:
    return [MelleaTool(_tool_name(tool), _not_ours, tool) for tool in tools]


def _tool_name(tool: dict[str, Any]) -> str:
    return str((tool.get("function") or tool.get("custom") or tool).get("name") or tool["type"])


def _not_ours(*_args: object, **_arguments: object) -> None:
    raise ProgramError("this tool is the client's: return the thunk, and the client will run its calls")


# In the order in which they win: `max_completion_tokens` replaces what `max_tokens` gave.
_OPTIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "temperature": (ModelOption.TEMPERATURE, _as_is),
    "max_tokens": (ModelOption.MAX_NEW_TOKENS, _as_is),
    "max_completion_tokens": (ModelOption.MAX_NEW_TOKENS, _as_is),
    "seed": (ModelOption.SEED, _as_is),
    "stop": (ModelOption.STOP_SEQUENCES, lambda stop: [stop] if isinstance(stop, str) else stop),
    "tools": (ModelOption.TOOLS, _tools),
    "tool_choice": (ModelOption.TOOL_CHOICE, _as_is),
}
assert frozenset(_OPTIONS) <= frozenset(Parameters.__struct_fields__)  # noqa: S101  # a typo here would lose a field

PARAMETERS: dict[str, Callable[[Call], Any]] = {"input": _input, "model_options": _model_options}

# ---- beside: what programs should not share


def history_of(value: object) -> str | None:
    """Name the context in which a session keeps its conversation; None for one that forgets, and for all else."""
    if isinstance(value, MelleaSession) and isinstance(value.ctx, ChatContext):
        return type(value.ctx).__name__
    return None


# ---- out: what a program of Mellea's returns

_REASONS = frozenset(get_args(FinishReason))


def reader() -> Reader:
    """Read Mellea's results; each is whole in itself."""
    return _read


def _read(value: object) -> Said:
    if isinstance(value, ModelOutputThunk):
        return _thunk(value)
    if isinstance(value, SamplingResult):
        return _sampled(value)
    if isinstance(value, Streamer | EventStreamer):
        return _streamed(value)
    if isinstance(value, Message):  # what `session.chat` returns
        return (TextDelta(value.content),)
    if isinstance(value, StreamEvent):
        return (TextDelta(value.text),) if isinstance(value, ChunkEvent) else ()
    return None


async def _thunk(thunk: ModelOutputThunk[Any]) -> AsyncGenerator[Event, None]:
    """Stream a thunk, computed or not; an unfinished one is cancelled at its backend when nobody wants more."""
    thought = 0
    streamed = not thunk.is_computed()
    with suppress(AttributeError):
        # Mellea hands over four pieces at a time, and has no public way to ask for each.
        thunk._gen.chunk_size = 0  # noqa: SLF001
    try:
        while not thunk.is_computed():
            text = await thunk.astream()
            if more := (thunk.thinking or "")[thought:]:
                thought += len(more)
                yield ReasoningDelta(more)
            if text:
                yield TextDelta(text)
    finally:
        await thunk.aclose()
    if thunk.error is not None:
        raise thunk.error
    if more := (thunk.thinking or "")[thought:]:
        yield ReasoningDelta(more)
    if not streamed and thunk.value:
        yield TextDelta(thunk.value)
    for event in _ending(thunk, [thunk]):
        yield event


def _sampled(result: SamplingResult[Any]) -> Iterator[Event]:
    """Give the chosen sample; the tokens of all that were tried are spent, and are told."""
    chosen = result.result
    if chosen.thinking:
        yield ReasoningDelta(chosen.thinking)
    if chosen.value:
        yield TextDelta(chosen.value)
    yield from _ending(chosen, result.sample_generations)


async def _streamed(stream: Streamer | EventStreamer) -> AsyncGenerator[Event, None]:
    """Stream validated pieces. A stream that a requirement stopped is cut, and must not look whole."""
    told = 0
    try:
        async for item in stream:
            chunk = item.text if isinstance(item, ChunkEvent) else item
            if isinstance(chunk, str):
                # A chunk comes without the white space before it, which the whole text still has.
                start = max(stream.full_text.find(chunk, told), told)
                yield TextDelta(stream.full_text[told:start] + chunk)
                told = start + len(chunk)
    finally:
        await stream.aclose()
    if stream.mot is None:
        yield Finish("content_filter")
        return
    for event in _ending(stream.mot, [stream.mot]):
        yield event


def _ending(thunk: ModelOutputThunk[Any], spent: Sequence[ModelOutputThunk[Any]]) -> Iterator[Event]:
    """Give the calls of a computed thunk, the usage of all thunks that were spent on it, and why it ended."""
    for call in build_tool_calls(thunk) or ():
        yield ToolCallStart(call["id"], call["function"]["name"])
        yield ToolCallDelta(call["id"], call["function"]["arguments"])
    yield from (_usage(one.generation.usage) for one in spent if one.generation.usage)
    yield Finish(_reason(thunk))


def _usage(usage: dict[str, Any]) -> Usage:
    def part(details: str, name: str) -> int:
        return (usage.get(details) or {}).get(name) or 0

    return Usage(
        usage.get("prompt_tokens") or 0,
        usage.get("completion_tokens") or 0,
        part("prompt_tokens_details", "cached_tokens"),
        part("completion_tokens_details", "reasoning_tokens"),
    )


def _reason(thunk: ModelOutputThunk[Any]) -> FinishReason:
    """Give the backend's reason, which Mellea keeps as it came; one that is none of OpenAI's is a `stop`."""
    said = next(iter(thunk.generation.finish_reasons or ()), "stop")
    return cast("FinishReason", said) if said in _REASONS else "stop"
