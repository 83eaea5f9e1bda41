from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st

from mserve.events import (
    AudioDelta,
    Citation,
    Event,
    Failure,
    Finish,
    FinishReason,
    Logprob,
    ReasoningDelta,
    RefusalDelta,
    RunEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    ToolType,
    Usage,
)
from mserve.protocols.base import Envelope
from mserve.transcript import Order
from share import share

law = settings(deadline=None, max_examples=40)  # a busy machine is no fault
deep_law = settings(deadline=None, max_examples=share(200))

# What could be taken for the framing or for a line's end, or cut wrongly, and any other text.
TEXTS = st.sampled_from(
    ["data: [DONE]\n\n", "\r\n", "\x0b\x0c\x1c\x1e", "\x85", "é\u2028\u2029", "😀\U0010ffff", '"\\{}', "\0"]
) | st.text(min_size=1, max_size=8)
COUNTS = st.integers(0, 10**20)
USAGES = st.builds(Usage, COUNTS, COUNTS, COUNTS, COUNTS)
_SAID: list[FinishReason | None] = [None, "stop", "length", "tool_calls", "content_filter"]
REASONS = st.sampled_from(_SAID)
FAILURES = st.builds(Failure, st.integers(400, 599), TEXTS, code=st.none() | TEXTS, param=st.none() | TEXTS)
ENVELOPES = st.builds(Envelope, st.from_regex("[0-9a-f]{32}", fullmatch=True), st.integers(0, 2**40), TEXTS)

_NUMBERS = st.floats(-9999, 0)
_BYTES = st.none() | st.binary(max_size=4).map(tuple)
_OTHERS = st.lists(st.builds(Logprob, TEXTS, _NUMBERS, _BYTES), max_size=2).map(tuple)
_TOKENS = st.builds(Logprob, TEXTS, _NUMBERS, _BYTES, _OTHERS)
# A piece with its tokens, one without, and tokens that say no whole character yet.
TEXT_DELTAS = (
    st.builds(TextDelta, TEXTS, st.lists(_TOKENS, max_size=2).map(tuple))
    | st.builds(TextDelta, TEXTS)
    | st.builds(TextDelta, st.just(""), _TOKENS.map(lambda token: (token,)))
)
CITATIONS = st.builds(
    lambda url, title, start, length: Citation(url, title, start, start + length),
    TEXTS,
    TEXTS,
    st.integers(0, 9),
    st.integers(0, 9),
)
_SECONDS = st.none() | st.integers(0, 2**40)
AUDIO_DELTAS = st.builds(AudioDelta, st.binary(max_size=8), st.just("") | TEXTS, st.none() | TEXTS, _SECONDS)
_KINDS: list[type] = [
    *(TextDelta, ReasoningDelta, RefusalDelta, Citation, AudioDelta, Usage),
    *(ToolCallStart, ToolCallDelta, ToolCallDelta),
]
_TOOLS: list[ToolType] = ["function", "custom"]
_PLAIN: dict[type, st.SearchStrategy[Event]] = {
    TextDelta: TEXT_DELTAS,
    ReasoningDelta: st.builds(ReasoningDelta, TEXTS),
    RefusalDelta: st.builds(RefusalDelta, TEXTS),
    Citation: CITATIONS,
    AudioDelta: AUDIO_DELTAS,
    Usage: USAGES,
}


@dataclass
class _Said:
    """What was said so far, legally."""

    events: list[Event] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)


@st.composite
def speeches(draw: st.DrawFn) -> list[Event]:
    """Draw what a program says before it finishes: legal, and as speech lets it into a log."""
    said = _Said()
    for kind in draw(st.lists(st.sampled_from(_KINDS), max_size=10)):
        if kind is ToolCallStart:
            call = draw(TEXTS.filter(lambda text: text not in said.calls))
            said.calls.append(call)
            said.events.append(ToolCallStart(call, draw(TEXTS), draw(st.sampled_from(_TOOLS))))
        elif kind is ToolCallDelta:
            if said.calls:
                said.events.append(ToolCallDelta(draw(st.sampled_from(said.calls)), draw(TEXTS)))
        else:
            said.events.append(draw(_PLAIN[kind]))
    return said.events


@st.composite
def finished_logs(draw: st.DrawFn) -> list[RunEvent]:
    """Draw the log of a run that answered."""
    order = Order()
    said = draw(speeches())
    for event in said:
        order.admit(event)
    return [*said, *order.ending(draw(REASONS)), *draw(st.lists(USAGES, max_size=2))]


@st.composite
def failed_logs(draw: st.DrawFn) -> list[RunEvent]:
    """Draw the log of a run that failed, wherever it did."""
    return [*draw(speeches()), draw(FAILURES)]


LOGS = finished_logs() | failed_logs()


@st.composite
def recut(draw: st.DrawFn, log: list[RunEvent]) -> list[RunEvent]:
    """Draw a log that says the same in other pieces. The tokens of a text stay where it begins."""
    return [piece for event in log for piece in draw(_pieces(event))]


@st.composite
def batched(draw: st.DrawFn, log: list[RunEvent]) -> list[list[RunEvent]]:
    """Draw the same log as a reader may take it: in batches, of which some are empty."""
    cuts = sorted(draw(st.lists(st.integers(0, len(log)), max_size=4)))
    return [log[start:end] for start, end in zip([0, *cuts], [*cuts, len(log)], strict=True)]


@st.composite
def _pieces(draw: st.DrawFn, event: RunEvent) -> list[RunEvent]:
    match event:
        case TextDelta(text, logprobs):
            first, *others = draw(_split(text)) or [""]
            return [TextDelta(first, logprobs), *map(TextDelta, others)]
        case ReasoningDelta(text) | RefusalDelta(text):
            return [type(event)(piece) for piece in draw(_split(text))]
        case ToolCallDelta(call, arguments):
            return [ToolCallDelta(call, piece) for piece in draw(_split(arguments))]
        case AudioDelta(data, transcript, known, expires_at):
            cut = draw(st.integers(0, len(data)))
            spoken = [AudioDelta(transcript=piece) for piece in draw(_split(transcript))]
            return [AudioDelta(data[:cut], "", known, expires_at), *spoken, AudioDelta(data[cut:])]
        case ToolCallStart() | Citation() | Usage() | Finish() | Failure():
            return [event]


@st.composite
def _split(draw: st.DrawFn, text: str) -> list[str]:
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(text) - 1)), max_size=4)))
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True) if start < end]
