"""Draws bodies that clients may send, or that nobody should."""

from typing import Any

from hypothesis import strategies as st

from protocols.strategies import TEXTS

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
    "service_tier": ["auto", "flex"],
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

# The same for completions. `prompt` is no parameter of programs: it becomes their message.
COMPLETION_PARAMETERS: dict[str, list[Any]] = {
    name: PARAMETERS[name]
    for name in (
        *("model", "stream", "stream_options", "frequency_penalty", "logit_bias", "max_tokens", "n"),
        *("presence_penalty", "seed", "stop", "temperature", "top_p", "user"),
    )
} | {"logprobs": [0, 5], "echo": [True, False], "suffix": ["", "the end"], "best_of": [1]}
_PROMPTS = TEXTS | st.lists(TEXTS, max_size=3) | st.lists(st.integers(), max_size=2) | _JSON
_COMPLETION_NAMES = st.sampled_from(list(COMPLETION_PARAMETERS))
_FITTING_COMPLETION = _COMPLETION_NAMES.flatmap(
    lambda name: st.tuples(st.just(name), st.sampled_from(COMPLETION_PARAMETERS[name]))
)
COMPLETION_BODIES = st.builds(
    lambda prompt, *fields: prompt | {name: value for some in fields for name, value in some},
    st.fixed_dictionaries({}, optional={"prompt": _PROMPTS}),
    st.lists(_FITTING_COMPLETION, max_size=4),
    st.lists(st.tuples(_COMPLETION_NAMES | TEXTS, _JSON | _STRANGE), max_size=1),
)
