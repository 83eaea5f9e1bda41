import subprocess
import sys
import timeit
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mserve.events import Event, Failure, RunEvent, Said, TextDelta, Usage
from mserve.store.base import StoreError
from mserve.store.codec import count, decode, encode
from protocols.strategies import LOGS, law

_BATCHES = st.lists(st.tuples(st.integers(0, 127), st.lists(st.text(min_size=1, max_size=9)) | LOGS), max_size=4)


@law
@given(batches=_BATCHES)
def test_what_is_written_down_is_read_again_as_it_was(batches: list[tuple[int, list[Said]]]) -> None:
    data = encode(batches)
    read = decode(data)
    assert read == batches
    assert repr(read) == repr(batches)  # lists and tuples, too
    assert count(data) == sum(len(said) for _, said in batches)


def test_a_short_text_costs_little_more_than_itself() -> None:
    assert len(encode([(0, [" token"] * 20)])) <= 20 * 7 + 10


def test_a_number_of_any_length_is_kept() -> None:
    batches: list[tuple[int, list[Said]]] = [(0, ["text", Usage(10**30, 0)])]
    assert decode(encode(batches)) == batches


def _older(event: RunEvent, *kept: str) -> bytes:
    """What a version wrote whose event had these fields alone."""
    fields = {"event": type(event).__name__} | {name: getattr(event, name) for name in kept}
    return encode([])[:4] + msgspec.msgpack.encode([(0, [fields])])


def test_events_of_an_older_version_are_read_with_defaults_for_what_it_did_not_have() -> None:
    usage, failure = Usage(1, 2), Failure(500, "no")
    assert decode(_older(usage, "input_tokens", "output_tokens")) == [(0, [usage])]
    assert decode(_older(failure, "status", "message")) == [(0, [failure])]
    assert decode(_older(TextDelta("a"), "text")) == [(0, [TextDelta("a")])]


def test_the_names_that_are_written_down_never_change() -> None:
    names = {kind.__struct_config__.tag for kind in (*get_args(Event), Failure)}
    assert names == {
        "TextDelta", "ReasoningDelta", "RefusalDelta", "ToolCallStart", "ToolCallDelta", "Citation", "AudioDelta",
        "Usage", "Finish", "Failure",
    }  # fmt: skip


@pytest.mark.parametrize("events", [b"", b"\x91", b"[", b"\x91\x92\x00\x91\x81\xa5event\xa6Unread", b"[[0,[1]]]"])
def test_what_is_not_understood_is_an_error_of_the_store(events: bytes) -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        decode(encode([])[:4] + events)


def test_what_events_are_made_of_loads_no_database() -> None:
    code = "import sys; before = {*sys.modules}; from mserve.store import base, codec, opening, place, writer"
    done = subprocess.run(
        [sys.executable, "-c", code + "; print(*{*sys.modules} - before)"], capture_output=True, text=True, check=True
    )
    assert not {"sqlalchemy", "aiosqlite", "asyncpg", "sqlite3", "platformdirs"} & set(done.stdout.split())


def test_twenty_tokens_are_written_down_in_microseconds() -> None:
    batches = [(0, [" token"] * 20)]
    assert min(timeit.repeat(lambda: encode(batches), number=1000, repeat=5)) / 1000 < 20e-6
