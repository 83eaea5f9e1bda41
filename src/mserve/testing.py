"""For authors of programs: ask a program in memory, without a port, and see what clients would. Serves nobody."""

import asyncio
from typing import Any

import msgspec
from msgspec import Struct

from mserve.events import Failure, RunEvent
from mserve.options import Options
from mserve.programs.load import Source
from mserve.programs.user import load
from mserve.protocols import chat_completions
from mserve.protocols.base import Envelope
from mserve.transcript import Reply, Transcript
from mserve.web.service import Service


class Answer(Struct, frozen=True, kw_only=True):
    """What a program said: its events, what they fold into, and the frames that a streaming client gets."""

    events: list[RunEvent]
    reply: Reply
    failure: Failure | None
    frames: list[bytes]
    """Each with the blank line that ends it; the last is `[DONE]`. The reply's id is `chatcmpl-test`, its time 0."""

    @property
    def text(self) -> str:
        """The answer's text."""
        return self.reply.text


def ask(program: Source, question: str, **fields: Any) -> Answer:
    """Ask a program (a file, a `module:name` or a callable) one question, with any further fields of a request.

    `messages=` replaces the question. Its lifespan is opened and closed around it. What the program raises is the
    answer's `failure`, as a client sees it; `LoadError` and `StartupError` are raised, and `ClientError` for a request
    that the server would refuse.
    """
    return asyncio.run(ask_async(program, question, **fields))


async def ask_async(program: Source, question: str, **fields: Any) -> Answer:
    """Do as `ask` does, on a loop that already runs."""
    (loaded,) = load(program)
    body = {"model": loaded.name, "messages": [{"role": "user", "content": question}]} | fields
    service = Service([loaded], Options())
    request, _ = service.admit(chat_completions, msgspec.json.encode(body))
    try:
        await service.lifespans.open()
        reader, events = service.start(loaded, request, {}).reader(), list[RunEvent]()
        while not reader.ended:
            events += await reader.take()
    finally:
        await service.close()
    transcript = Transcript()
    for event in events:
        transcript.add(event)
    encoder = chat_completions.encoder(Envelope("test", 0, loaded.name), request)
    frames = (encoder.encode(events) + encoder.close()).split(b"\n\n")
    return Answer(
        events=events,
        reply=transcript.reply(),
        failure=transcript.failure,
        frames=[frame + b"\n\n" for frame in frames if frame],
    )
