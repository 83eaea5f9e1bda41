"""What a person is shown of one kept run. All of it is data: nothing of it may reach a terminal as a command."""

from collections.abc import AsyncIterator, Iterator

import msgspec
from rich.text import Text

from mserve.events import Said, spelt_out
from mserve.store.base import Store, StoredRun
from mserve.store.codec import decode
from mserve.transcript import Reply, Transcript

_PORTION = 100
_FIELDS = ("status", "endpoint", "program", "model", "owner", "created", "ended", "worker", "previous", "conversation")


def clean(text: str) -> str:
    """Give a text on one line, without what a terminal would obey."""
    return "".join(one if one.isprintable() else "\ufffd" for one in text)


async def following(store: Store, key: str) -> AsyncIterator[tuple[int, int, Said]]:
    """Give all that a run has said, with its number and its choice."""
    number = 0
    while batches := await store.batches(key, number, _PORTION):
        for batch in batches:
            for choice, said in decode(batch.data):
                for event in said:
                    yield number, choice, event
                    number += 1


def say_events(number: int, choice: int, event: Said) -> str:
    """Give an event as JSON."""
    (spelt,) = spelt_out([event])
    return msgspec.json.encode({"number": number, "choice": choice} | msgspec.to_builtins(spelt)).decode()


async def say_run(store: Store, run: StoredRun) -> AsyncIterator[Text]:
    """Say what is known of a run, what it was asked, and what each of its choices said."""
    yield _heading(run.key)
    for name in _FIELDS:
        if (value := getattr(run, name)) not in (None, ""):
            yield Text.assemble((f"{name}: ", "dim"), clean(str(value)))
    yield _heading("request")
    yield _text(_body(run.body))
    transcripts: dict[int, Transcript] = {}
    async for _, choice, event in following(store, run.key):
        transcripts.setdefault(choice, Transcript()).extend([event])
    for choice, transcript in sorted(transcripts.items()):
        yield _heading("answer" if len(transcripts) == 1 else f"answer {choice}")
        for line in _answer(transcript.reply()):
            yield line
        if transcript.failure is not None:
            yield Text.assemble(("failed: ", "bold red"), clean(transcript.failure.message))


def _answer(reply: Reply) -> Iterator[Text]:
    for name, text in (("reasoning", reply.reasoning), ("refusal", reply.refusal)):
        if text:
            yield Text.assemble((f"{name}: ", "dim"), _text(text))
    if reply.text:
        yield _text(reply.text)
    for call in reply.calls:
        yield Text.assemble(("calls ", "dim"), clean(f"{call.name}: {call.arguments}"))
    for citation in reply.citations:
        yield Text.assemble(("cites ", "dim"), clean(citation.url))
    if reply.audio is not None:
        yield Text.assemble(("says ", "dim"), _text(reply.audio.transcript), f" ({len(reply.audio.data)} bytes)")
    if reply.usage is not None:
        yield Text(f"{reply.usage.input_tokens} tokens in, {reply.usage.output_tokens} out", style="dim")


def _heading(words: str) -> Text:
    return Text(clean(words), style="bold")


def _text(text: str) -> Text:
    return Text("\n".join(map(clean, text.expandtabs().split("\n"))))


def _body(body: bytes) -> str:
    try:
        return msgspec.json.format(body, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body.decode(errors="replace")
