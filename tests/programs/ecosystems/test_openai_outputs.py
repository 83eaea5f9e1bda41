from collections.abc import AsyncIterator

import msgspec
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from mserve.events import (
    AudioDelta,
    Citation,
    Event,
    Finish,
    Logprob,
    ReasoningDelta,
    RefusalDelta,
    RunEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from mserve.programs.adapt import adapt
from mserve.protocols.base import Asked, Envelope
from mserve.protocols.chat_completions import encoder
from mserve.protocols.chat_completions.encode import encode_reply
from mserve.request import Request
from mserve.transcript import Reply, Transcript

# All that one reply can hold.
LOG: list[RunEvent] = [
    ReasoningDelta("They want to "),
    ReasoningDelta("hear it. "),
    TextDelta("It ", (Logprob("It", -0.25, (73, 116), (Logprob("He", -1.5),)), Logprob(" ", 0.0))),
    TextDelta("rains.", (Logprob("rains", -2.0), Logprob(".", -0.5))),
    Citation("https://example.org", "Weather", 3, 8),
    RefusalDelta("I will not "),
    RefusalDelta("sing."),
    AudioDelta(b"ab", "It ", id="audio_1", expires_at=7),
    AudioDelta(b"cdefg", "rains."),
    ToolCallStart("c1", "weather"),
    ToolCallDelta("c1", '{"city":'),
    ToolCallStart("c2", "shell", "custom"),
    ToolCallDelta("c2", "ls "),
    ToolCallDelta("c1", '"Lisbon"}'),
    ToolCallDelta("c2", "-l"),
    Finish("tool_calls"),
    Usage(3, 4, 1, 2),
]
ASKED = Asked(Request(messages=[], logprobs=True, stream_options={"include_usage": True}), (Request(messages=[]),))
ENVELOPE = Envelope("k", 7, "m")


def folded(events: list[RunEvent]) -> Reply:
    transcript = Transcript()
    for event in events:
        transcript.add(event)
    return transcript.reply()


async def passed_through(*items: object) -> Reply:
    async def program() -> AsyncIterator[object]:
        for item in items:
            yield item

    events: list[Event] = [event async for event in adapt(program, sync=False, name="test")]
    return folded([*events])


async def test_what_a_stream_of_ours_says_passes_through_the_sdk_and_us_unchanged() -> None:
    stream = encoder(ENVELOPE, ASKED)
    frames = (stream.encode(0, LOG) + stream.close(0)).removesuffix(b"data: [DONE]\n\n").split(b"\n\n")[:-1]
    # As the SDK makes them of what a server sends: without a check, since a custom call has no type there yet.
    chunks = [ChatCompletionChunk.construct(**msgspec.json.decode(frame.removeprefix(b"data: "))) for frame in frames]
    assert await passed_through(*chunks) == folded(LOG)


async def test_a_whole_reply_of_ours_passes_through_the_sdk_and_us_unchanged() -> None:
    body = encode_reply(ENVELOPE, ASKED, [folded(LOG)])
    assert await passed_through(ChatCompletion.model_validate_json(body, strict=True)) == folded(LOG)
