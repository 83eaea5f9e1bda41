"""The laws of responses: their streams have names, numbers and no `[DONE]`, and so have laws of their own."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pydantic
from hypothesis import given
from hypothesis import strategies as st
from openai import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import Response as SdkResponse
from openai.types.responses import ResponseStreamEvent

from mserve.events import Failure, RunEvent, Said, TextDelta
from mserve.protocols import chat_completions, completions, responses
from mserve.protocols.base import Asked
from protocols.extras import extras
from protocols.strategies import ENVELOPES, LOGS, deep_law, finished_logs, law, recut
from protocols.talks import ASKED, Talk, asked_of, taken
from protocols.unfolding import ENDS, events, fold, frames, told

_SDK: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(ResponseStreamEvent)


@st.composite
def asked(draw: st.DrawFn) -> Asked:
    """Draw a request of this protocol, or of another one, whose runs may be told as responses too."""
    wire = draw(st.sampled_from([responses, responses, chat_completions, completions]))
    return asked_of(wire, **draw(ASKED[wire.PATH]))


@st.composite
def talks(draw: st.DrawFn, logs: st.SearchStrategy[list[RunEvent]] = LOGS) -> Talk:
    """Draw a request and what its first run said: a response shows no other."""
    return Talk(responses, draw(ENVELOPES), draw(asked()), [draw(logs)])


def _is_failed(talk: Talk) -> bool:
    return isinstance(talk.logs[0][-1], Failure)


@deep_law
@given(talks())
def test_streamed_equals_whole(talk: Talk) -> None:
    assert events(talk.stream())[-1]["response"] == json.loads(talk.whole)


@deep_law
@given(talks())
def test_who_joins_the_pieces_has_the_same_as_who_waits_for_the_end(talk: Talk) -> None:
    said = events(talk.stream())
    folding, response = fold(said), said[-1]["response"]
    assert told(folding.items) == told(response["output"])
    if _is_failed(talk):
        return
    assert folding.is_whole
    for item, whole in zip(folding.items, response["output"], strict=True):
        assert item["status"] == whole["status"] != "in_progress"
        for part, other in zip(item.get("content", ()), whole.get("content", ()), strict=True):
            early = part.get("annotations", [])
            assert other == part | ({"annotations": other["annotations"]} if "annotations" in other else {})
            assert other.get("annotations", [])[: len(early)] == early


@deep_law
@given(st.data())
def test_cutting_elsewhere_changes_nothing_in_the_end(data: st.DataObject) -> None:
    talk = data.draw(talks())
    said = events(talk.stream())
    other = events(talk.stream([(0, data.draw(recut(talk.logs[0])))]))
    assert other[-1]["response"] == said[-1]["response"]
    assert told(fold(other).items) == told(fold(said).items)
    kinds = [event["type"] for event in said if not event["type"].endswith(".delta")]
    assert [event["type"] for event in other if not event["type"].endswith(".delta")] == kinds


@law
@given(st.data())
def test_how_events_are_batched_changes_no_byte(data: st.DataObject) -> None:
    talk = data.draw(talks())
    parts = talk.frames(data.draw(taken(talk.logs)))
    assert b"".join(parts) == talk.stream()
    assert all(events(part) for part in parts if part)


@law
@given(talks())
def test_a_response_ends_once_and_with_its_last_event_wherever_its_program_fails(talk: Talk) -> None:
    kinds = [event["type"] for event in events(talk.stream())]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert [number for number, kind in enumerate(kinds) if kind in ENDS] == [len(kinds) - 1]
    assert (kinds[-1] == "response.failed") is _is_failed(talk)
    assert not {"response.created", "response.in_progress"} & {*kinds[2:]}


@law
@given(talks())
def test_events_are_numbered_from_nought_without_a_gap(talk: Talk) -> None:
    """That the number is the frame's id, and its name the event's type, `events` sees for itself."""
    said = events(talk.stream())
    assert [event["sequence_number"] for event in said] == [*range(len(said))]


@law
@given(talks())
def test_a_frame_is_three_lines_and_a_blank_one_for_whoever_splits_lines(talk: Talk) -> None:
    stream = talk.stream()
    assert len(stream.decode().splitlines()) == 4 * len(frames(stream)) == stream.count(b"\n")


@law
@given(st.data())
def test_a_stream_goes_on_behind_any_event_with_the_same_bytes(data: st.DataObject) -> None:
    talk = data.draw(talks())
    frames_ = frames(talk.stream())
    held = _as_held(talk.logs[0])
    cut = data.draw(st.integers(0, len(held)))
    for after in range(-1, len(frames_) + 1):
        rest = b"".join(frames_[after + 1 :])
        assert _rest(talk, [held[:cut], held[cut:]], after) == _rest(talk, [talk.logs[0]], after) == rest


@law
@given(talks())
def test_a_text_is_folded_as_its_event(talk: Talk) -> None:
    whole = responses.whole(talk.envelope, talk.asked)
    assert whole.open() + whole.encode(0, _as_held(talk.logs[0])) + whole.close(0) == talk.whole


def _as_held(log: Sequence[RunEvent]) -> list[Said]:
    """Give events as a log holds them: a text without tokens is a plain one."""
    return [event.text if type(event) is TextDelta and event.text and not event.logprobs else event for event in log]


def _rest(talk: Talk, batches: Sequence[Sequence[Said]], after: int) -> bytes:
    encoder = responses.encoder(talk.envelope, talk.asked, after=after)
    return b"".join([encoder.open(), *(encoder.encode(0, events) for events in batches), encoder.close(0)])


@law
@given(talks())
def test_ids_stay_and_no_two_items_share_one(talk: Talk) -> None:
    said = events(talk.stream())
    wholes = [event["response"] for event in said if "response" in event]
    assert {whole["id"] for whole in wholes} == {f"resp_{talk.envelope.key}"}
    for key in wholes[0].keys() - {"status", "output", "usage", "error", "incomplete_details", "completed_at"}:
        assert wholes[0][key] == wholes[1][key] == wholes[2][key]
    ids: list[str] = [item["id"] for item in wholes[2]["output"]]
    assert len({*ids}) == len(ids)
    assert all(talk.envelope.key in name for name in ids)
    for event in said:
        if "output_index" in event:
            assert event.get("item_id", event.get("item", {}).get("id")) == ids[event["output_index"]]


@law
@given(talks(finished_logs()))
def test_usage_is_told_at_the_end_alone(talk: Talk) -> None:
    first, second, *_, last = events(talk.stream())
    assert first["response"]["usage"] is second["response"]["usage"] is None
    if (usage := last["response"]["usage"]) is not None:
        assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


# ---- judged by our own types


@law
@given(talks())
def test_events_are_of_the_schema_and_hold_nothing_else(talk: Talk) -> None:
    for event in events(talk.stream()):
        checked: Any = msgspec.convert(event, responses.OPERATION.chunk)
        assert json.loads(msgspec.json.encode(checked)) == event


@law
@given(talks())
def test_a_whole_response_is_of_the_schema_and_holds_nothing_else(talk: Talk) -> None:
    checked: Any = msgspec.json.decode(talk.whole, type=responses.OPERATION.reply)
    assert json.loads(msgspec.json.encode(checked)) == json.loads(talk.whole)


# ---- judged by the SDK's types


@law
@given(talks())
def test_events_are_the_sdks_but_for_known_extras(talk: Talk) -> None:
    """They are keys that Open Responses requires, or that clients look for beside OpenAI's own document."""
    known = set[str]()
    for event in events(talk.stream()):
        read = _SDK.validate_json(json.dumps(event), strict=True)
        assert read.type == event["type"]
        known |= {*extras(read)}
    assert known <= {
        *(f".response.{name}" for name in ("frequency_penalty", "presence_penalty", "store", "tools.depth")),
        *(".name", ".item.status", ".response.output.status"),
        *(".logprobs.bytes", ".logprobs.top_logprobs.bytes", ".logprobs.top_logprobs.top_logprobs"),
    }


@deep_law
@given(talks(finished_logs()))
def test_the_sdks_own_folding_ends_with_the_whole_response(talk: Talk) -> None:
    state: ResponseStreamState[Any] = ResponseStreamState(input_tools=[], text_format=omit)
    texts: dict[tuple[int, int], str] = {}
    last: Any = None
    for event in events(talk.stream()):
        for last in state.handle_event(_SDK.validate_python(event)):
            if last.type == "response.output_text.delta":
                texts[last.output_index, last.content_index] = last.snapshot
    whole = SdkResponse.model_validate_json(talk.whole)
    assert "".join(texts.values()) == last.response.output_text == whole.output_text
