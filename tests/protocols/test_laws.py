import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pydantic
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from mserve.events import Failure, RunEvent, Usage
from mserve.protocols.base import Envelope, ErrorResponse
from mserve.protocols.chat_completions import encode_reply, encoder
from mserve.protocols.chat_completions.schema import Chunk, Completion
from mserve.request import Request
from mserve.transcript import Transcript
from protocols.strategies import ENVELOPES, LOGS, batched, finished_logs, law, recut

_END = "[DONE]"


def _batches(envelope: Envelope, batches: list[list[RunEvent]], *, usage: bool) -> list[bytes]:
    stream = encoder(envelope, Request(messages=[], stream=True, stream_options={"include_usage": usage}))
    return [*(stream.encode(batch) for batch in batches), stream.close()]


def _stream(envelope: Envelope, log: list[RunEvent], *, usage: bool = True) -> bytes:
    return b"".join(_batches(envelope, [log], usage=usage))


def _whole(envelope: Envelope, log: list[RunEvent]) -> bytes:
    transcript = Transcript()
    for event in log:
        transcript.add(event)
    return encode_reply(envelope, transcript.reply())


def _data(stream: bytes) -> list[str]:
    """Give the data of each event, read as the strictest and the sloppiest clients do."""
    assert stream.endswith(b"\n\n")
    frames = stream.decode().removesuffix("\n\n").split("\n\n")
    assert all(len(frame.splitlines()) == 1 and frame.startswith("data: ") for frame in frames)
    return [frame.removeprefix("data: ") for frame in frames]


def _values(stream: bytes) -> list[Any]:
    *values, end = _data(stream)
    assert end == _END
    assert _END not in values
    return [json.loads(value) for value in values]


def _choices(stream: bytes) -> list[Any]:
    return [choice for value in _values(stream) for choice in value.get("choices", [])]


def _fold(stream: bytes) -> dict[str, Any]:
    """Join a stream as a client does that knows nothing of us."""
    folded: dict[str, Any] = {"content": "", "reasoning_content": "", "reasoning": "", "tool_calls": []}
    for value in _values(stream):
        folded.update({key: value[key] for key in ("id", "created", "model", "usage", "error") if key in value})
        for choice in value.get("choices", []):
            folded["finish_reason"] = choice["finish_reason"]
            for key, piece in choice["delta"].items():
                if key == "tool_calls":
                    _fold_calls(folded["tool_calls"], piece)
                elif key != "role":
                    folded[key] += piece
    return folded


def _fold_calls(calls: list[Any], pieces: list[Any]) -> None:
    for piece in pieces:
        if piece["index"] == len(calls):
            calls.append({"id": piece["id"], "type": piece["type"], "function": dict(piece["function"])})
        else:
            calls[piece["index"]]["function"]["arguments"] += piece["function"]["arguments"]
            assert (piece.keys(), piece["function"].keys()) == ({"index", "function"}, {"arguments"})


def _as_folded(body: bytes, *, usage: bool) -> dict[str, Any]:
    """Give a whole reply in the form of a folded one."""
    reply = json.loads(body)
    (choice,) = reply["choices"]
    message = choice["message"]
    folded = {key: message.get(key) or "" for key in ("content", "reasoning_content", "reasoning")}
    folded |= {"tool_calls": message.get("tool_calls", []), "finish_reason": choice["finish_reason"]}
    known = ("id", "created", "model", "usage") if usage else ("id", "created", "model")
    return folded | {key: reply[key] for key in known if key in reply}


def _extras(value: object, place: str = "") -> Iterator[str]:
    """Give the keys of a parsed reply that the SDK's types do not have."""
    if isinstance(value, pydantic.BaseModel):
        yield from (f"{place}.{key}" for key in value.model_extra or ())
        for name in type(value).model_fields:
            yield from _extras(getattr(value, name), f"{place}.{name}")
    elif isinstance(value, list):
        for item in value:
            yield from _extras(item, place)


def _has_null(value: object) -> bool:
    if isinstance(value, dict):
        return any(_has_null(item) for item in value.values())
    return any(_has_null(item) for item in value) if isinstance(value, list) else value is None


# ---- the three laws of every protocol


@law
@given(ENVELOPES, finished_logs(), st.booleans())
def test_streamed_equals_whole(envelope: Envelope, log: list[RunEvent], usage: bool) -> None:
    assert _fold(_stream(envelope, log, usage=usage)) == _as_folded(_whole(envelope, log), usage=usage)


@law
@given(st.data(), ENVELOPES, LOGS)
def test_cutting_elsewhere_changes_nothing(data: st.DataObject, envelope: Envelope, log: list[RunEvent]) -> None:
    assert _fold(_stream(envelope, data.draw(recut(log)))) == _fold(_stream(envelope, log))


@law
@given(ENVELOPES, LOGS)
def test_exactly_one_terminal_frame_and_nothing_but_usage_after_it(envelope: Envelope, log: list[RunEvent]) -> None:
    values = _values(_stream(envelope, log))
    ends = [number for number, value in enumerate(values) if _is_terminal(value)]
    failed = isinstance(log[-1], Failure)
    asked = not failed and any(isinstance(event, Usage) for event in log)
    assert ends == [len(values) - 1 - asked]
    assert ("error" in values[ends[0]]) is failed


def _is_terminal(value: dict[str, Any]) -> bool:
    return "error" in value or any(choice["finish_reason"] is not None for choice in value["choices"])


# ---- framing


@law
@given(st.data(), ENVELOPES, LOGS)
def test_batches_are_complete_frames_and_change_no_byte(
    data: st.DataObject, envelope: Envelope, log: list[RunEvent]
) -> None:
    parts = _batches(envelope, data.draw(batched(log)), usage=True)
    assert all(_data(part) for part in parts if part)
    assert b"".join(parts) == _stream(envelope, log)


@law
@given(ENVELOPES, LOGS)
def test_a_stream_is_one_line_of_data_per_frame_and_one_end(envelope: Envelope, log: list[RunEvent]) -> None:
    stream = _stream(envelope, log)
    assert _data(stream).index(_END) == len(_data(stream)) - 1
    assert len(stream.decode().splitlines()) == 2 * len(_data(stream))


# ---- the deltas


@law
@given(ENVELOPES, finished_logs())
def test_the_first_delta_is_the_role_and_the_last_is_empty(envelope: Envelope, log: list[RunEvent]) -> None:
    first, *between, last = [choice["delta"] for choice in _choices(_stream(envelope, log))]
    assert first == {"role": "assistant"}
    assert last == {}
    assert all(delta and "role" not in delta for delta in between)


@law
@given(ENVELOPES, LOGS)
def test_no_delta_holds_a_null(envelope: Envelope, log: list[RunEvent]) -> None:
    assert not any(_has_null(choice["delta"]) for choice in _choices(_stream(envelope, log)))


@law
@given(ENVELOPES, finished_logs(), st.booleans())
def test_only_usage_that_was_asked_for_and_is_known_has_no_choice_and_comes_last(
    envelope: Envelope,
    log: list[RunEvent],
    asked: bool,
) -> None:
    values = _values(_stream(envelope, log, usage=asked))
    bare = [number for number, value in enumerate(values) if value["choices"] == [] or "usage" in value]
    known = any(isinstance(event, Usage) for event in log)
    assert bare == ([len(values) - 1] if asked and known else [])


# ---- judged by schemas: ours, and the SDK's


@law
@given(ENVELOPES, LOGS)
def test_frames_are_of_the_schema_and_hold_nothing_else(envelope: Envelope, log: list[RunEvent]) -> None:
    for value in _values(_stream(envelope, log)):
        checked = msgspec.convert(value, ErrorResponse if "error" in value else Chunk)
        assert msgspec.to_builtins(checked) == value


@law
@given(ENVELOPES, finished_logs())
def test_a_whole_reply_is_of_the_schema_and_holds_nothing_else(envelope: Envelope, log: list[RunEvent]) -> None:
    body = _whole(envelope, log)
    assert msgspec.json.encode(msgspec.json.decode(body, type=Completion)) == body


@law
@given(ENVELOPES, LOGS)
def test_chunks_are_the_sdks_with_reasoning_as_their_only_extra(envelope: Envelope, log: list[RunEvent]) -> None:
    chunks = [value for value in _values(_stream(envelope, log)) if "error" not in value]
    extras = {
        extra
        for chunk in chunks
        for extra in _extras(ChatCompletionChunk.model_validate_json(json.dumps(chunk), strict=True))
    }
    assert extras <= {".choices.delta.reasoning_content", ".choices.delta.reasoning"}


@law
@given(ENVELOPES, finished_logs())
def test_a_whole_reply_is_the_sdks_with_reasoning_as_its_only_extra(envelope: Envelope, log: list[RunEvent]) -> None:
    reply = ChatCompletion.model_validate_json(_whole(envelope, log), strict=True)
    assert set(_extras(reply)) <= {".choices.message.reasoning_content", ".choices.message.reasoning"}
