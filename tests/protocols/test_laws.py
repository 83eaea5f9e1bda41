"""The laws of every protocol."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mserve.events import Failure, Finish, Usage
from mserve.protocols.base import ErrorResponse, Wire
from protocols.folding import END, as_folded, data, fold, values
from protocols.strategies import deep_law, law, recut
from protocols.talks import WIRES, Take, Talk, any_talks, taken, talks

on_each_wire = pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.PATH)


def _told(talk: Talk, *, usage: bool) -> dict[str, Any]:
    whole = as_folded(talk.whole)
    return whole if usage else {key: value for key, value in whole.items() if key != "usage"}


def _asks_for_usage(talk: Talk) -> bool:
    return bool((talk.asked.request.stream_options or {}).get("include_usage"))


@on_each_wire
@deep_law
@given(st.data())
def test_streamed_equals_whole(wire: Wire, data: st.DataObject) -> None:
    talk = data.draw(talks(wire))
    assert fold(talk.stream(data.draw(taken(talk.logs)))) == _told(talk, usage=_asks_for_usage(talk))


@on_each_wire
@deep_law
@given(st.data())
def test_cutting_elsewhere_changes_nothing(wire: Wire, data: st.DataObject) -> None:
    talk, takes = data.draw(any_talks(wire))
    cut: list[Take] = [(number, data.draw(recut(events))) for number, events in takes]
    assert fold(talk.stream(cut)) == fold(talk.stream(takes))


@on_each_wire
@law
@given(st.data())
def test_each_choice_finishes_once_and_last_unless_there_is_one_error_which_is_the_last_word(
    wire: Wire, data: st.DataObject
) -> None:
    talk, takes = data.draw(any_talks(wire))
    events = [(number, event) for number, events in takes for event in events]
    said = values(talk.stream(takes))
    failures = [event for _, event in events if isinstance(event, Failure)]
    assert [number for number, value in enumerate(said) if "error" in value] == [len(said) - 1] * len(failures)
    finished = [number for number, event in events if isinstance(event, Finish)]
    pieces = [choice for value in said for choice in value.get("choices", [])]
    assert [choice["index"] for choice in pieces if choice["finish_reason"] is not None] == finished
    for number in finished:
        assert [choice for choice in pieces if choice["index"] == number][-1]["finish_reason"] is not None


@on_each_wire
@law
@given(st.data())
def test_only_usage_that_was_asked_for_and_is_known_has_no_choice_and_comes_last(
    wire: Wire, data: st.DataObject
) -> None:
    talk, takes = data.draw(any_talks(wire))
    said = values(talk.stream(takes))
    bare = [number for number, value in enumerate(said) if value.get("choices") == [] or "usage" in value]
    failed = any(isinstance(event, Failure) for _, events in takes for event in events)
    known = all(any(isinstance(event, Usage) for event in log) for log in talk.logs)
    assert bare == ([len(said) - 1] if _asks_for_usage(talk) and known and not failed else [])


@on_each_wire
@law
@given(st.data())
def test_batches_are_complete_frames_and_change_no_byte_of_their_choice(wire: Wire, data: st.DataObject) -> None:
    talk = data.draw(talks(wire))
    parts = talk.frames(data.draw(taken(talk.logs)))
    assert all(_data(part) for part in parts if part)
    assert sorted(_data(b"".join(parts))) == sorted(_data(talk.stream()))


_data = data


@on_each_wire
@law
@given(st.data())
def test_a_stream_is_one_line_of_data_per_frame_and_one_end(wire: Wire, data: st.DataObject) -> None:
    talk, takes = data.draw(any_talks(wire))
    stream = talk.stream(takes)
    assert _data(stream).index(END) == len(_data(stream)) - 1
    assert len(stream.decode().splitlines()) == 2 * len(_data(stream))


@on_each_wire
@law
@given(st.data())
def test_frames_are_of_the_schema_and_hold_nothing_else(wire: Wire, data: st.DataObject) -> None:
    talk, takes = data.draw(any_talks(wire))
    for value in values(talk.stream(takes)):
        checked: Any = msgspec.convert(value, ErrorResponse if "error" in value else wire.OPERATION.chunk)
        assert json.loads(msgspec.json.encode(checked)) == value


@on_each_wire
@law
@given(st.data())
def test_a_whole_reply_is_of_the_schema_and_holds_nothing_else(wire: Wire, data: st.DataObject) -> None:
    body = data.draw(talks(wire)).whole
    assert msgspec.json.encode(msgspec.json.decode(body, type=wire.OPERATION.reply)) == body
