"""What clients and servers of the older API say passes through: `function_call`, without an id or an index."""

from collections.abc import AsyncIterator

import msgspec
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from mserve.events import Finish, RunEvent, TextDelta, ToolCallDelta, ToolCallStart
from mserve.programs.adapt import adapt
from mserve.protocols.base import Envelope
from mserve.protocols.chat_completions import decode, encoder
from mserve.protocols.chat_completions.encode import encode_reply
from mserve.transcript import Reply, Transcript

ASKED = decode(b'{"messages":[{"role":"user"}],"functions":[{"name":"weather"}]}')
ENVELOPE = Envelope("k", 7, "m")
CALL = "call_chatcmpl-k"
LOG: list[RunEvent] = [
    TextDelta("Let me see."),
    ToolCallStart(CALL, "weather"),
    ToolCallDelta(CALL, '{"city":'),
    ToolCallDelta(CALL, '"Lisbon"}'),
    Finish("tool_calls"),
]


def folded(events: list[RunEvent]) -> Reply:
    transcript = Transcript()
    for event in events:
        transcript.add(event)
    return transcript.reply()


async def passed_through(*items: object) -> list[RunEvent]:
    async def program() -> AsyncIterator[object]:
        for item in items:
            yield item

    return [event async for event in adapt(program, sync=False, name="test")]


@pytest.mark.parametrize("stream", [True, False])
async def test_an_older_call_is_a_call_with_an_id_of_ours(*, stream: bool) -> None:
    if stream:
        frames = encoder(ENVELOPE, ASKED).encode(0, LOG).split(b"\n\n")[:-1]
        items = [ChatCompletionChunk.construct(**msgspec.json.decode(frame[6:])) for frame in frames]
        said = await passed_through(*items)
    else:
        said = await passed_through(ChatCompletion.model_validate_json(encode_reply(ENVELOPE, ASKED, [folded(LOG)])))
    reply = folded([event for event in said if not isinstance(event, Finish)])
    assert (reply.text, reply.calls) == (folded(LOG).text, folded(LOG).calls)
    assert isinstance(said[-1], Finish)
