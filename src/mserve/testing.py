"""For authors of programs: ask a program in memory, without a port, and see what clients would. Serves nobody."""

import asyncio
from typing import Any

import msgspec
from msgspec import Struct

from mserve.events import Failure, RunEvent, spelt_out
from mserve.options import Options
from mserve.programs.load import Source
from mserve.programs.user import load
from mserve.protocols import chat_completions
from mserve.protocols.base import Asked, Envelope
from mserve.runs.choices import Batch, is_silent
from mserve.transcript import Reply, Transcript
from mserve.web.service import Service
from mserve.web.wishes import wishes_of


class Choice(Struct, frozen=True, kw_only=True):
    """What one run of a program said: its events, and what they fold into."""

    events: list[RunEvent]
    reply: Reply


class Answer(Struct, frozen=True, kw_only=True):
    """What a program said: its choices, one unless `n` asked for more, and the frames that a streaming client gets."""

    choices: list[Choice]
    failure: Failure | None
    frames: list[bytes]
    """Each with the blank line that ends it; the last is `[DONE]`. The reply's id is `chatcmpl-test`, its time 0.

    There are none where the program failed before its first word: a client gets the failure's status instead.
    """

    @property
    def events(self) -> list[RunEvent]:
        """What the first choice's run said."""
        return self.choices[0].events

    @property
    def reply(self) -> Reply:
        """What the first choice folds into."""
        return self.choices[0].reply

    @property
    def text(self) -> str:
        """The first choice's text."""
        return self.reply.text


def ask(program: Source, question: str = "", *, options: Options = Options(), **fields: Any) -> Answer:  # noqa: B008  # frozen
    """Ask a program (a file, a `module:name` or a callable) one question, with any further fields of a request.

    `messages=` replaces the question. Its lifespan is opened and closed around it. What the program raises is the
    answer's `failure`, as a client sees it; `LoadError` and `StartupError` are raised, and `ClientError` for a request
    that the server would refuse.
    """
    return asyncio.run(ask_async(program, question, options=options, **fields))


async def ask_async(program: Source, question: str = "", *, options: Options = Options(), **fields: Any) -> Answer:  # noqa: B008  # frozen
    """Do as `ask` does, on a loop that already runs."""
    (loaded,) = load(program)
    body = {"model": loaded.name, "messages": [{"role": "user", "content": question}]} | fields
    service = Service([loaded], options)
    admitted = service.admit(chat_completions, msgspec.json.encode(body))
    asked, batches = admitted.asked, list[Batch]()
    try:
        await service.lifespans.open()
        wishes = wishes_of({}, loaded.traits, service.options)
        choices = service.start(admitted, wishes, {}, caller=None)
        while not choices.ended:
            batches += await choices.take()
        choices.close()
    finally:
        await service.close()
    return Answer(
        choices=[_choice(number, batches) for number in range(len(asked.runs))],
        failure=choices.failure,
        frames=[] if choices.failure and is_silent(batches) else _frames(loaded.name, asked, batches),
    )


def _frames(model: str, asked: Asked, batches: list[Batch]) -> list[bytes]:
    encoder = chat_completions.encoder(Envelope("test", 0, model), asked)
    frames = [encoder.encode(number, events) for number, events in batches] + [encoder.close(0)]
    return [frame + b"\n\n" for frame in b"".join(frames).split(b"\n\n") if frame]


def _choice(number: int, batches: list[Batch]) -> Choice:
    said = [one for choice, some in batches if choice == number for one in some]
    transcript = Transcript()
    transcript.extend(said)
    return Choice(events=spelt_out(said), reply=transcript.reply())
