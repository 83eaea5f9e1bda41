"""Requests that are nearly right: something nasty stands in the place of something good."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from hypothesis import strategies as st

from faults.nasty import CHAT, COMPLETIONS, HEADERS, METHODS, NASTY, RAW, SCHEMAS, TARGETS

_CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
_SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
_COMMON: dict[str, Any] = {
    "stream_options": {"include_usage": True}, "frequency_penalty": 0.5,
    "logit_bias": {"1": 2}, "max_tokens": 9, "presence_penalty": 0.5, "seed": 1, "stop": ["x"],
    "temperature": 1, "top_p": 0.9, "user": "u",
}  # fmt: skip
GOOD: dict[str, dict[str, Any]] = {
    COMPLETIONS: {"prompt": ["hi"], "echo": True, "suffix": "s"} | _COMMON,
    CHAT: {
        "messages": [
            {"role": "developer", "content": "be kind", "name": "d"},
            {"role": "user", "content": [
                {"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": "data:,"}},
                {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}},
                {"type": "file", "file": {"file_id": "f"}}]},
            {"role": "assistant", "content": None, "refusal": None, "tool_calls": [_CALL], "audio": {"id": "a"}},
            {"role": "tool", "tool_call_id": "c", "content": "5"},
            {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "user", "content": "hi"},
        ],
        "tools": [
            {"type": "function", "function": {"name": "f", "parameters": _SCHEMA, "strict": True}},
            {"type": "custom", "custom": {"name": "g", "format": {"type": "text"}}},
        ],
        "tool_choice": {"type": "function", "function": {"name": "f"}}, "parallel_tool_calls": True,
        "functions": [{"name": "f", "description": "d", "parameters": _SCHEMA}], "function_call": {"name": "f"},
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": _SCHEMA, "strict": True}},
        "max_completion_tokens": 9, "logprobs": False, "top_logprobs": 1, "modalities": ["text"],
        "audio": {"voice": "v", "format": "wav"}, "metadata": {"a": "b"}, "moderation": {}, "prediction": {},
        "prompt_cache_key": "k", "prompt_cache_options": {}, "prompt_cache_retention": "r", "reasoning_effort": "low",
        "safety_identifier": "s", "service_tier": "auto", "store": True, "verbosity": "low", "web_search_options": {},
        "requirements": ["r"], "extra": {"a": [1]},
    } | _COMMON,
}  # fmt: skip
"""A request with every field, by where it is posted."""

_HOLE = "\x00the hole\x00"


def corpus() -> Iterator[bytes]:
    """Give the requests that were written by hand."""
    for path, body in ((path, body) for body in RAW for path in GOOD):
        yield request(body, path)
    for schema in SCHEMAS:
        for model in ("plain", "shaped"):
            rest = '"messages": [{"role": "user", "content": "hi"}], "stream": true'
            wanted = f'{{"type": "json_schema", "json_schema": {{"name": "x", "schema": {schema}}}}}'
            yield request(f'{{"model": "{model}", {rest}, "response_format": {wanted}}}'.encode())
    good = json.dumps(GOOD[CHAT] | {"model": "shaped"}).encode()
    for header in HEADERS:
        yield request(good, CHAT, header)
    for target in TARGETS:
        yield request(good, target)
    for method in METHODS:
        yield request(good, CHAT, method=method)


def mutated() -> st.SearchStrategy[bytes]:
    """Make requests up: something nasty in some places of a good one, and sometimes a hole in its bytes."""
    return st.sampled_from([*GOOD]).flatmap(
        lambda path: st.tuples(_bodies(GOOD[path]), _seldom(HEADERS), _seldom(METHODS)).map(
            lambda made: request(made[0], path, made[1], method=made[2] or "POST")
        )
    )


def _seldom(strange: list[str]) -> st.SearchStrategy[str]:
    return st.sampled_from([""] * 5 * len(strange) + strange)


def _bodies(good: dict[str, Any]) -> st.SearchStrategy[bytes]:
    places = [*_places(good)]
    nasty = st.tuples(st.sampled_from(places), st.sampled_from(NASTY) | _VALUES.map(json.dumps))
    wanted = st.fixed_dictionaries(
        {"model": st.sampled_from(["plain", "shaped"]), "n": st.sampled_from([1, 1, 2]), "stream": st.booleans()}
    )
    sound = st.tuples(wanted, st.lists(nasty, min_size=1, max_size=2)).map(
        lambda drawn: _write(good | drawn[0], drawn[1])
    )
    return st.tuples(sound, st.sampled_from([*_CUTS]), st.integers(0, 10**6)).map(
        lambda drawn: _CUTS[drawn[1]](*drawn[::2])
    )


_CUTS: dict[str, Callable[[bytes, int], bytes]] = {
    "whole": lambda raw, _: raw,
    "whole too": lambda raw, _: raw,
    "cut": lambda raw, at: raw[: at % len(raw)],
    "flipped": lambda raw, at: raw[: at % len(raw)] + bytes([at % 256]) + raw[at % len(raw) + 1 :],
    "twice": lambda raw, _: raw[:-1] + b"," + raw[1:],
}
"""What is done to the bytes of a body: each key comes twice in the last."""

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def _places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inner:
        yield (*path, key)
        yield from _places(below, (*path, key))


def _write(good: dict[str, Any], nasty: list[tuple[tuple[str | int, ...], str]]) -> bytes:
    """Write a body with texts, which need be no JSON, in the place of some of its values."""
    body = json.loads(json.dumps(good))
    texts: list[str] = []
    for (*way, last), text in nasty:
        inner = body
        with suppress(TypeError, IndexError, KeyError):  # something nasty is there by now
            for key in way:
                inner = inner[key]
            inner[last] = f"{_HOLE}{len(texts)}"
            texts.append(text)
    whole = json.dumps(body)
    for number, text in enumerate(texts):
        whole = whole.replace(json.dumps(f"{_HOLE}{number}"), text)
    return whole.encode(errors="surrogatepass")


def request(body: bytes, target: str = CHAT, header: str = "", method: str = "POST") -> bytes:
    """Give the bytes of a request. Its connection ends with it."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close"]
    name = header.partition(":")[0].lower()
    if name != "content-type":
        lines.append("Content-Type: application/json")
    if name not in ("content-length", "transfer-encoding"):
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join([*lines, *([header] if header else []), "", ""])
    return head.encode("latin-1") + body
