"""Events to the frames of a stream, and to the body of a whole reply."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.asking import body
from mserve.events import Finish, RunEvent, TextDelta
from mserve.options import Limits
from mserve.protocols import chat_completions
from mserve.protocols.base import Envelope
from mserve.protocols.chat_completions.encode import encode_reply
from mserve.transcript import Transcript

ENVELOPE = Envelope("0" * 32, 1_700_000_000, "model")
ASKED = chat_completions.decode(body("hello", stream=True), Limits())


@pytest.mark.parametrize("text", ["word ", "wörd "], ids=["ascii", "umlauts"])
@pytest.mark.parametrize("texts", [1, 16, 256])
def test_encode_frames(benchmark: BenchmarkFixture, texts: int, text: str) -> None:
    encoder = chat_completions.encoder(ENVELOPE, ASKED)
    encoder.encode(0, [TextDelta("the first")])
    frames = benchmark(encoder.encode, 0, [TextDelta(text)] * texts)
    assert frames.count(text.encode()) == frames.count(b"\n\n") == texts


def test_encode_a_beginning_and_an_end(benchmark: BenchmarkFixture) -> None:
    def encoded() -> bytes:
        encoder = chat_completions.encoder(ENVELOPE, ASKED)
        return encoder.encode(0, [TextDelta("word ")]) + encoder.encode(0, [Finish("stop")]) + encoder.close(0)

    assert benchmark(encoded).endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("texts", [1, 256])
def test_encode_a_whole_reply(benchmark: BenchmarkFixture, texts: int) -> None:
    events: list[RunEvent] = [*[TextDelta("word ")] * texts, Finish("stop")]

    def encoded() -> bytes:
        transcript = Transcript()
        for event in events:
            transcript.add(event)
        return encode_reply(ENVELOPE, ASKED, [transcript.reply()])

    assert benchmark(encoded).count(b"word ") == texts
