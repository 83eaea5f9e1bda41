"""Draws what a client asked of a wire, and what the run of each choice said."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from mserve.events import Failure, RunEvent
from mserve.options import Limits
from mserve.protocols import chat_completions, completions, responses
from mserve.protocols.base import Asked, Envelope, Wire
from mserve.transcript import Reply, Transcript
from protocols.strategies import ENVELOPES, LOGS, TEXTS, batched, finished_logs

WIRES: list[Wire] = [chat_completions, completions]
Take = tuple[int, list[RunEvent]]


@dataclass
class Talk:
    """A request, and the log of each of its choices."""

    wire: Wire
    envelope: Envelope
    asked: Asked
    logs: list[list[RunEvent]]

    @property
    def whole(self) -> bytes:
        """Give the body of the whole reply."""
        encoder = self.wire.whole(self.envelope, self.asked)
        nothing = b"".join([encoder.open(), *(encoder.encode(choice, log) for choice, log in enumerate(self.logs))])
        return nothing + encoder.close(0)

    def frames(self, takes: Sequence[Take]) -> list[bytes]:
        """Give what is sent for each of the takes, and at the end."""
        encoder = self.wire.encoder(self.envelope, self.asked)
        return [encoder.open(), *(encoder.encode(choice, events) for choice, events in takes), encoder.close(0)]

    def stream(self, takes: Sequence[Take] | None = None) -> bytes:
        """Give the whole stream; without takes, one choice is said after the other."""
        return b"".join(self.frames(list(enumerate(self.logs)) if takes is None else takes))


def folded(log: Sequence[RunEvent]) -> Transcript:
    transcript = Transcript()
    for event in log:
        transcript.add(event)
    return transcript


def reply_of(log: Sequence[RunEvent]) -> Reply:
    return folded(log).reply()


LIMITS = Limits(choices=128)


def asked_of(wire: Wire, limits: Limits = LIMITS, **fields: Any) -> Asked:
    """Read a request as the wire reads it."""
    return wire.decode(json.dumps(_LEAST[wire.PATH] | fields).encode(), limits)


_LEAST: dict[str, dict[str, Any]] = {
    chat_completions.PATH: {"messages": [{"role": "user", "content": "hi"}]},
    completions.PATH: {"prompt": "hi"},
    responses.PATH: {"input": "hi"},
}


_USAGE = st.fixed_dictionaries({}, optional={"include_usage": st.booleans()})
_TOOL = {"type": "function", "function": {"name": "f"}}
_ASKED_OF_CHAT = st.fixed_dictionaries(
    {"n": st.integers(1, 3), "logprobs": st.booleans()},
    optional={
        "stream_options": _USAGE,
        "service_tier": st.sampled_from(["auto", "default", "flex"]),
        "metadata": st.dictionaries(TEXTS, TEXTS, max_size=2),
        "functions": st.just([{"name": "f"}]),
        "tools": st.just([_TOOL]),
    },
)
_ASKED_OF_COMPLETIONS = st.fixed_dictionaries(
    {"prompt": TEXTS | st.lists(TEXTS, min_size=1, max_size=2), "n": st.integers(1, 2)},
    optional={"stream_options": _USAGE, "logprobs": st.integers(0, 3), "echo": st.booleans()},
)
_ASKED_OF_RESPONSES = st.fixed_dictionaries(
    {},
    optional={
        "include": st.sampled_from([None, [], ["reasoning.encrypted_content", "message.output_text.logprobs"]]),
        "reasoning": st.fixed_dictionaries(
            {}, optional={"effort": st.sampled_from([None, "low"]), "summary": st.sampled_from([None, "auto"])}
        ),
        "instructions": st.none() | TEXTS,
        "conversation": st.none() | TEXTS | st.builds(lambda name: {"id": name}, TEXTS),
        "background": st.booleans(),
        "max_output_tokens": st.none() | st.integers(0, 10**20),
        "metadata": st.none() | st.dictionaries(TEXTS, TEXTS, max_size=2),
        "service_tier": st.sampled_from([None, "auto", "default", "flex"]),
        "temperature": st.sampled_from([None, 0, 1, 0.7]),
        "text": st.sampled_from([
            None, {}, {"verbosity": "low"}, {"format": {"type": "json_object"}},
            {"format": {"type": "json_schema", "name": "s", "schema": {"type": "object"}, "strict": None}},
        ]),
        "tool_choice": st.sampled_from([None, "none", "required", {"type": "function", "name": "f"}]),
        "tools": st.sampled_from([None, [], [{"type": "function", "name": "f"}, {"type": "web_search", "depth": 3}]]),
        "truncation": st.sampled_from([None, "auto"]),
        "user": st.none() | TEXTS,
    },
)  # fmt: skip
# Only what a JSON document can hold: the server refuses the rest before anything is encoded.
ASKED: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    chat_completions.PATH: _ASKED_OF_CHAT,
    completions.PATH: _ASKED_OF_COMPLETIONS,
    responses.PATH: _ASKED_OF_RESPONSES,
}


@st.composite
def talks(draw: st.DrawFn, wire: Wire, logs: st.SearchStrategy[list[RunEvent]] | None = None) -> Talk:
    """Draw a request of a wire, and logs of runs that answered, or others that are given."""
    asked = asked_of(wire, **draw(ASKED[wire.PATH]))
    said = [draw(finished_logs() if logs is None else logs) for _ in asked.runs]
    return Talk(wire, draw(ENVELOPES), asked, said)


@st.composite
def any_talks(draw: st.DrawFn, wire: Wire) -> tuple[Talk, list[Take]]:
    """Draw a request whose runs may fail, and how its events are read: to the first failure, as the server does."""
    talk = draw(talks(wire, LOGS))
    return talk, draw(taken(talk.logs))


@st.composite
def taken(draw: st.DrawFn, logs: list[list[RunEvent]]) -> list[Take]:
    """Draw how the logs of several choices are read together: interleaved in batches, until one has failed."""
    batches = [draw(batched(log)) for log in logs]
    order = draw(st.permutations([number for number, cut in enumerate(batches) for _ in cut]))
    takes: list[Take] = []
    for number in order:
        events = batches[number].pop(0)
        takes.append((number, events))
        if events and isinstance(events[-1], Failure):
            break
    return takes
