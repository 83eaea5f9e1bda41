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

# The same for responses, with what programs get of each value.
_CUSTOM = {"name": "c", "format": {"type": "text"}}
_SCHEMA = {"name": "s", "schema": {"type": "object"}, "description": "d", "strict": True}
_FLAT_GRAMMAR = {"name": "c", "format": {"type": "grammar", "syntax": "lark", "definition": "start: x"}}
_GRAMMAR = {"name": "c", "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: x"}}}
_FLAT_ALLOWED = {"mode": "auto", "tools": [{"type": "function", "name": "f"}, {"type": "web_search"}, {"name": "odd"}]}
_ALLOWED = {
    "mode": "auto",
    "tools": [{"type": "function", "function": {"name": "f"}}, {"type": "web_search"}, {"name": "odd"}],
}
SAME_IN_RESPONSES: dict[str, list[Any]] = {
    name: PARAMETERS[name]
    for name in (
        *("model", "stream", "frequency_penalty", "logit_bias", "presence_penalty", "seed", "stop", "temperature"),
        *("top_p", "parallel_tool_calls", "top_logprobs", "metadata", "prompt_cache_key", "prompt_cache_retention"),
        *("safety_identifier", "service_tier", "store", "user", "moderation", "prompt_cache_options"),
    )
}
RESPONSE_PARAMETERS: dict[str, list[tuple[Any, dict[str, Any]]]] = {
    **{name: [(value, {name: value}) for value in known] for name, known in SAME_IN_RESPONSES.items()},
    "instructions": [("", {}), ("be brief", {})],
    "stream_options": [({}, {}), ({"include_obfuscation": False}, {}), ({"include_obfuscation": None}, {})],
    "background": [(True, {}), (False, {})],
    "conversation": [("conv_1", {}), ({"id": "conv_1", "more": 1}, {})],
    "previous_response_id": [("resp_1", {})],
    "max_output_tokens": [(0, {"max_completion_tokens": 0}), (7, {"max_completion_tokens": 7})],
    "max_tool_calls": [(3, {})],
    "tool_choice": [
        *((choice, {"tool_choice": choice}) for choice in ("none", "auto", "required")),
        ({"type": "function", "name": "f"}, {"tool_choice": {"type": "function", "function": {"name": "f"}}}),
        ({"type": "custom", "name": "c"}, {"tool_choice": {"type": "custom", "custom": {"name": "c"}}}),
        (
            {"type": "allowed_tools", **_FLAT_ALLOWED},
            {"tool_choice": {"type": "allowed_tools", "allowed_tools": _ALLOWED}},
        ),
        ({"type": "web_search"}, {"tool_choice": {"type": "web_search"}}),
    ],
    "tools": [
        ([], {"tools": []}),
        ([{"type": "function", **_FUNCTION}], {"tools": [{"type": "function", "function": _FUNCTION}]}),
        (
            [{"type": "function", "name": "g", "parameters": None, "strict": None, "more": 1}],
            {"tools": [{"type": "function", "function": {"name": "g", "more": 1}}]},
        ),
        ([{"type": "custom", **_CUSTOM}], {"tools": [{"type": "custom", "custom": _CUSTOM}]}),
        ([{"type": "custom", **_FLAT_GRAMMAR}], {"tools": [{"type": "custom", "custom": _GRAMMAR}]}),
        ([{"type": "custom", "name": "c"}], {"tools": [{"type": "custom", "custom": {"name": "c"}}]}),
        ([{"type": "web_search", "depth": 3}], {"tools": [{"type": "web_search", "depth": 3}]}),
    ],
    "include": [([], {}), (["reasoning.encrypted_content", "whatever"], {})],
    "reasoning": [
        ({}, {}),
        ({"effort": None, "summary": "auto"}, {}),
        ({"effort": "high", "generate_summary": "concise"}, {"reasoning_effort": "high"}),
    ],
    "text": [
        ({}, {}),
        ({"format": None, "verbosity": None}, {}),
        ({"verbosity": "low", "more": 1}, {"verbosity": "low"}),
        *(({"format": {"type": kind}}, {"response_format": {"type": kind}}) for kind in ("text", "json_object")),
        (
            {"format": {"type": "json_schema", **_SCHEMA}},
            {"response_format": {"type": "json_schema", "json_schema": _SCHEMA}},
        ),
        (
            {"format": {"type": "json_schema", "name": "s", "schema": {}, "strict": None}},
            {"response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {}}}},
        ),
    ],
    "truncation": [("auto", {}), ("disabled", {})],
    "context_management": [([{"type": "compaction"}], {})],
    "prompt": [({"id": "pmpt_1"}, {})],
}

_KINDS = st.sampled_from(
    (
        *("message", "function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output"),
        *("reasoning", "item_reference", "web_search_call", "", "input_text", "output_text", "input_image", "refusal"),
    )
)
_ITEM_KEYS = st.sampled_from(
    ["type", "id", "role", "content", "call_id", "name", "arguments", "input", "output", "summary", "text", "image_url"]
)
_RESPONSE_PARTS = st.fixed_dictionaries({"type": _KINDS}, optional={"text": TEXTS | _JSON, "refusal": _JSON})
_LOOSE = st.dictionaries(_ITEM_KEYS, st.lists(_RESPONSE_PARTS, max_size=2) | _SCALARS | _JSON, max_size=6)
_ITEMS = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "system", "developer"])},
    optional={"type": st.just("message"), "content": TEXTS | st.lists(_RESPONSE_PARTS, max_size=2)},
)
_WILD_ITEMS = st.builds(lambda kind, item: {"type": kind} | item, _KINDS, _LOOSE)
_RESPONSE_NAMES = st.sampled_from(list(RESPONSE_PARAMETERS))
_FITTING_RESPONSE = _RESPONSE_NAMES.flatmap(
    lambda name: st.tuples(st.just(name), st.sampled_from([value for value, _ in RESPONSE_PARAMETERS[name]]))
)
RESPONSE_BODIES = st.builds(
    lambda given, *fields: {"input": given} | {name: value for some in fields for name, value in some},
    TEXTS | st.lists(_ITEMS | _WILD_ITEMS, max_size=3) | st.lists(_ITEMS, max_size=3) | _JSON,
    st.lists(_FITTING_RESPONSE, max_size=4),
    st.lists(st.tuples(_RESPONSE_NAMES | TEXTS, _JSON | _STRANGE), max_size=1),
)
