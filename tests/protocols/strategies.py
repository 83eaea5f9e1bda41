from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from mserve.events import (
    Event,
    Failure,
    Finish,
    FinishReason,
    ReasoningDelta,
    RunEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from mserve.protocols.base import Envelope
from mserve.transcript import Order

law = settings(deadline=None, max_examples=40)  # a busy machine is no fault

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


@dataclass
class _Said:
    """What was said so far, legally."""

    events: list[Event] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)


@st.composite
def speeches(draw: st.DrawFn) -> list[Event]:
    """Draw what a program says before it finishes: legal, and no text empty."""
    said = _Said()
    for kind in draw(st.lists(st.sampled_from([TextDelta, ReasoningDelta, Usage, ToolCallStart, ToolCallDelta]))):
        if kind is ToolCallStart:
            call = draw(TEXTS.filter(lambda text: text not in said.calls))
            said.calls.append(call)
            said.events.append(ToolCallStart(call, draw(TEXTS)))
        elif kind is ToolCallDelta:
            if said.calls:
                said.events.append(ToolCallDelta(draw(st.sampled_from(said.calls)), draw(TEXTS)))
        elif kind is Usage:
            said.events.append(draw(USAGES))
        else:
            said.events.append(draw(st.builds(kind, TEXTS)))
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
    """Draw a log that says the same in other pieces."""
    return [piece for event in log for piece in draw(_pieces(event))]


@st.composite
def batched(draw: st.DrawFn, log: list[RunEvent]) -> list[list[RunEvent]]:
    """Draw the same log as a reader may take it: in batches, of which some are empty."""
    cuts = sorted(draw(st.lists(st.integers(0, len(log)), max_size=6)))
    return [log[start:end] for start, end in zip([0, *cuts], [*cuts, len(log)], strict=True)]


@st.composite
def _pieces(draw: st.DrawFn, event: RunEvent) -> list[RunEvent]:
    match event:
        case TextDelta(text) | ReasoningDelta(text):
            return [type(event)(piece) for piece in draw(_split(text))]
        case ToolCallDelta(call, arguments):
            return [ToolCallDelta(call, piece) for piece in draw(_split(arguments))]
        case ToolCallStart() | Usage() | Finish() | Failure():
            return [event]


@st.composite
def _split(draw: st.DrawFn, text: str) -> list[str]:
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(text) - 1)), max_size=4)))
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True) if start < end]


# What each parameter may be. Others are refused, or not documented.
_FUNCTION = {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True}

PARAMETERS: dict[str, list[Any]] = {
    "model": ["m", ""],
    "stream": [True, False],
    "stream_options": [{}, {"include_usage": True, "include_obfuscation": False, "continuous_usage_stats": False}],
    "frequency_penalty": [-2, 0.5],
    "logit_bias": [{}, {"50256": -100, "7": 0.5}],
    "max_completion_tokens": [0, 7],
    "max_tokens": [0, 7],
    "n": [1, 3],
    "presence_penalty": [1, -0.5],
    "seed": [0, -(2**63), 10**30],
    "stop": ["\n", [], ["a", "b"]],
    "temperature": [0, 1, 0.7],
    "top_p": [1, 0.1],
    "function_call": ["none", "auto", {"name": "f"}],
    "functions": [[], [_FUNCTION, {"name": "g"}]],
    "parallel_tool_calls": [False],
    "tool_choice": [
        "none",
        "auto",
        "required",
        {"type": "function", "function": {"name": "f"}},
        {"type": "custom", "custom": {"name": "c"}},
        {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}},
    ],
    "tools": [
        [],
        [{"type": "function", "function": _FUNCTION}, {"type": "function", "function": {"name": "g"}}],
        [{"type": "custom", "custom": {"name": "c"}}, {"type": "web_search", "depth": 3}],
    ],
    "web_search_options": [{}, {"search_context_size": "low"}],
    "audio": [{"voice": "alloy", "format": "wav"}],
    "logprobs": [True, False],
    "modalities": [["text"], ["text", "audio"]],
    "response_format": [
        {"type": "text"},
        {"type": "json_object"},
        {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}, "strict": True}},
    ],
    "top_logprobs": [0, 20],
    "metadata": [{}, {"a": "b"}],
    "moderation": [{"model": "m"}],
    "prediction": [{"type": "content", "content": "x"}],
    "prompt_cache_key": ["k"],
    "prompt_cache_options": [{"a": 1}],
    "prompt_cache_retention": ["24h"],
    "reasoning_effort": ["high"],
    "safety_identifier": ["s"],
    "service_tier": ["auto"],
    "store": [True],
    "user": ["u"],
    "verbosity": ["low"],
}

# Keys and words that the schema knows, so that generated values get past its first checks.
_KEYS = st.sampled_from(
    ["type", "role", "content", "text", "function", "name", "json_schema", "include_usage", "tool_calls", "id"]
)
_WORDS = st.sampled_from(["text", "image_url", "file", "function", "custom", "json_schema", "auto", "user"])
_STRANGE = st.sampled_from([10**400, -(10**4000), float("nan"), float("inf"), "\ud800", "a` - at `$.b"])
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _WORDS | TEXTS
_JSON = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS | TEXTS, inner, max_size=4)
)
_PARTS = st.fixed_dictionaries({"type": st.just("text"), "text": TEXTS}, optional={"more": _JSON})
_WILD_PARTS = st.fixed_dictionaries({"type": _WORDS}, optional={"text": TEXTS | _JSON, "image_url": _JSON})
_MESSAGES = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "tool"])},
    optional={"content": TEXTS | st.lists(_PARTS, max_size=2), "name": TEXTS, "more": _JSON},
)
_WILD_MESSAGES = st.fixed_dictionaries(
    {"role": _WORDS}, optional={"content": st.lists(_WILD_PARTS, max_size=2) | _JSON, "tool_calls": _JSON}
)
_NAMES = st.sampled_from(list(PARAMETERS))
_FITTING = _NAMES.flatmap(lambda name: st.tuples(st.just(name), st.sampled_from(PARAMETERS[name])))
BODIES = st.builds(
    lambda messages, *fields: {"messages": messages} | {name: value for some in fields for name, value in some},
    st.lists(_MESSAGES, max_size=3) | st.lists(_MESSAGES | _WILD_MESSAGES, max_size=2) | _JSON,
    st.lists(_FITTING, max_size=4),
    st.lists(st.tuples(_NAMES | TEXTS, _JSON | _STRANGE), max_size=1),
)
