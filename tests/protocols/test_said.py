"""What a log holds as a plain `str` is rendered, and folded, as the event that it stands for."""

import json
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mserve.events import RunEvent, Said, TextDelta, spelt_out
from mserve.protocols import chat_completions, completions, responses
from mserve.protocols.base import Envelope
from mserve.transcript import Transcript
from protocols.strategies import ENVELOPES, LOGS, TEXTS, law

PARTS = ['",', 'a",', ',"', ",", "a\\", '","', '"', "\\", '\\","', '["a","b"]', "\u2028", "é"]
HARD = st.sampled_from(PARTS) | TEXTS | st.text('",\\[]a\n', min_size=1, max_size=4)
BODIES = {
    chat_completions: b'{"messages":[{"role":"user","content":""}]}',
    completions: b'{"prompt":""}',
    responses: b'{"input":""}',
}


def as_held(log: list[RunEvent]) -> list[Said]:
    return [event.text if type(event) is TextDelta and not event.logprobs else event for event in log]


@pytest.mark.parametrize("wire", BODIES)
@law
@given(data=st.data())
def test_a_text_is_rendered_as_its_event(wire: ModuleType, data: st.DataObject) -> None:
    texts: list[RunEvent] = [TextDelta(text) for text in data.draw(st.lists(HARD, max_size=6))]
    log = texts + data.draw(LOGS)
    cut = data.draw(st.integers(0, len(log)))
    asked, envelope = wire.decode(BODIES[wire]).for_reply(), data.draw(ENVELOPES)
    held, spelt, one_by_one = (wire.encoder(envelope, asked) for _ in range(3))
    said = as_held(log)
    frames = held.encode(0, said[:cut]) + held.encode(0, said[cut:]) + held.close(0)
    assert frames == spelt.encode(0, log[:cut]) + spelt.encode(0, log[cut:]) + spelt.close(0)
    assert frames == b"".join(one_by_one.encode(0, [event]) for event in log) + one_by_one.close(0)


@law
@given(log=LOGS)
def test_a_text_is_folded_as_its_event(log: list[RunEvent]) -> None:
    held, spelt = Transcript(), Transcript()
    held.extend(as_held(log))
    for event in log:
        spelt.add(event)
    assert held.reply() == spelt.reply()
    assert held.failure == spelt.failure
    assert spelt_out(as_held(log)) == log


def test_a_text_that_ends_as_json_parts_two_stays_whole() -> None:
    said: list[Said] = ["{", '"a": "x', '",', ' "b": 1}']
    asked = chat_completions.decode(BODIES[chat_completions]).for_reply()
    stream = chat_completions.encoder(Envelope("key", 0, "m"), asked)
    frames = stream.encode(0, said).split(b"\n\n")[1:-1]
    texts = [json.loads(frame.removeprefix(b"data: "))["choices"][0]["delta"]["content"] for frame in frames]
    assert texts == said
