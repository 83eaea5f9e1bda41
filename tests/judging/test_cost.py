"""The bound of what a schema costs is a bound: what is called cheap is, whatever the schema and the answer are."""

import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judging.hostile import HOSTILE
from mserve.judging.cost import Cost, cost_of
from mserve.judging.judge import _CHEAP as CHEAP
from mserve.judging.rules import SchemaError, fits, validator, violation

LIMIT = 1.0
"""Seconds of a processor: ten times what the bound stands for, since some machines are slow."""

PERSON: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://a.example/person",
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": "^[A-Z]+-[0-9]+$"},
        "name": {"type": "string", "minLength": 1},
        "age": {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}], "default": None},
        "price": {"type": "number", "multipleOf": 0.01},
        "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        "home": {"$ref": "#/$defs/Address"},
        "work": {"$ref": "#/$defs/Address"},
    },
    "required": ["id", "name", "home"],
    "additionalProperties": False,
    "$defs": {
        "Address": {
            "type": "object",
            "properties": {"street": {"type": "string"}, "country": {"enum": [f"c{n}" for n in range(200)]}},
        }
    },
}
ENDLESS = Cost(*[float("inf")] * 4)
TREE = {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#"}}}}


def bound(schema: Any) -> Cost:
    return cost_of(schema, len(msgspec.json.encode(schema)))


def seconds(work: Callable[[], object]) -> float:
    started = time.thread_time()
    work()
    return time.thread_time() - started


def judge_if_cheap(schema: Any, answer: str) -> None:
    """Do what is called cheap; an error where it is not."""
    cost, rules = bound(schema), msgspec.json.encode(schema)
    assert cost.judging(len(answer)) <= cost.judging_aloud(len(answer))
    if cost.compiling <= CHEAP:
        validator.cache_clear()
        try:
            assert seconds(lambda: validator(rules)) < LIMIT
        except SchemaError:
            return
        if cost.judging(len(answer)) <= CHEAP:
            assert seconds(lambda: fits(rules, answer)) < LIMIT
        if cost.judging_aloud(len(answer)) <= CHEAP:
            assert seconds(lambda: violation(rules, answer)) < LIMIT


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_hostile_is_never_called_cheap(name: str) -> None:
    schema, answer = HOSTILE[name]
    assert seconds(lambda: bound(schema)) < LIMIT
    assert bound(schema).judging_aloud(len(answer)) > CHEAP


@pytest.mark.parametrize(
    ("schema", "length"),
    [
        ({"type": "object"}, 20_000),
        (True, 20_000),
        (PERSON, 800),
        ({"type": "array", "items": {"type": "string"}}, 20_000),
        ({"enum": [f"choice {n}" for n in range(1000)]}, 100),
        ({"type": "object", "properties": {f"field{n}": {"type": "string"} for n in range(300)}}, 1000),
        ({"type": "array", "uniqueItems": True, "items": {"type": "string"}}, 4000),
        ({"pattern": r"^[\w.+-]+@[\w-]+\.[\w.-]+$"}, 1000),
    ],
)
def test_what_clients_usually_ask_for_is_cheap(schema: Any, length: int) -> None:
    assert bound(schema).judging(length) <= CHEAP


def test_a_tree_can_be_read_at_once_and_is_judged_apart() -> None:
    assert bound(TREE).compiling <= CHEAP
    assert bound(TREE).judging(0) > CHEAP


@pytest.mark.parametrize(
    "schema",
    [
        {"description": "x" * 200_000},
        {"enum": list(range(4001))},
        {"enum": [2**63]},
        {"items": {"const": -(2**63) - 1}},
        {"properties": {"a": {"$id": "http://a.example/"}}},
        {"properties": {"a": {"id": "http://a.example/"}}},
        {"unevaluatedProperties": False},
        {"allOf": [{"unevaluatedItems": {}}]},
        {"$dynamicRef": "#a"},
        {"items": {"$recursiveRef": "#"}},
    ],
)
def test_what_cannot_be_bounded_is_not_even_read_at_once(schema: Any) -> None:
    assert bound(schema) == ENDLESS


def test_what_is_too_deep_for_us_is_not_read_at_once() -> None:
    schema: dict[str, Any] = {}
    for _ in range(2000):
        schema = {"not": schema}
    assert cost_of(schema, 20_000) == ENDLESS


@pytest.mark.parametrize(
    "schema",
    [
        {"$id": "http://a.example/", "properties": {"id": {"type": "string"}, "$id": {}, "pattern": {}}},
        {"id": "http://a.example/", "$anchor": "a", "$comment": "x"},
        {"const": 2**63 - 1, "enum": [-(2**63)]},
        {"properties": {"$ref": {"type": "string"}, "patternProperties": {"type": "string"}}},
        {"$ref": "#/$defs/a~1b~0c/properties/d", "$defs": {"a/b~c": {"properties": {"d": {}}}}},
    ],
)
def test_what_only_looks_odd_is_cheap(schema: Any) -> None:
    assert bound(schema).judging_aloud(100) <= CHEAP


@pytest.mark.parametrize(
    "ref",
    ["#", "", "#/", "#a", "a", "#/$defs/none", "#/$defs/a%62", "#/allOf/0", "#/title/x", "#/$defs/\u0430",
     "#/$defs/a\t", "http://a.example/#/$defs/ab"],
)  # fmt: skip
def test_a_reference_that_may_mean_anything_has_no_bound(ref: str) -> None:
    parts: dict[str, Any] = {"ab": {}, "a%62": {}, "\u0430": {}, "a\t": {}}
    cost = bound({"$id": "http://a.example/", "$ref": ref, "title": "x", "allOf": [{}], "$defs": parts})
    assert (cost.compiling <= CHEAP, cost.judging(1)) == (True, float("inf"))


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "^a$",
        "[a-z]+",
        r"\d\d\d\d-\d\d",
        r"(a|b)*c?",
        r"(?:a|b)+?",
        r"[^)]",
        r"a\{2\}",
        r"^\S+\.\w+$",
        "é*",
        "a.b\n",
    ],
)
def test_a_plain_pattern_is_cheap(pattern: str) -> None:
    schemas: list[Any] = [{"pattern": pattern}, {"patternProperties": {pattern: {}}}]
    for schema in schemas:
        assert bound(schema).judging(100) <= CHEAP


@pytest.mark.parametrize(
    "pattern",
    ["(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(?P<a>b)", "(?i)a", "(?>a)", r"(a)\1", r"\k<a>", "a++", "a*+", "a?+",
     "a{9}", "a{1,99999}", r"\p{L}", r"\pL", r"\u{41}", r"\b", r"\G", r"\K", "a\\"],
)  # fmt: skip
def test_any_other_pattern_is_not_even_read_at_once(pattern: str) -> None:
    schemas: list[Any] = [{"pattern": pattern}, {"allOf": [{"patternProperties": {pattern: {}}}]}]
    for schema in schemas:
        assert bound(schema).compiling == float("inf")


def test_each_reference_counts_as_what_it_means() -> None:
    part = {"type": "array", "items": {"pattern": "a+b"}, "uniqueItems": True}
    inline, referred = bound({"allOf": [part] * 9}), bound({"allOf": [{"$ref": "#/$defs/a"}] * 9, "$defs": {"a": part}})
    assert referred.each > inline.each
    assert referred.pair == inline.pair > 8 * bound(part).pair > 0
    assert referred.compiling < inline.compiling


def test_numbers_cost_more_than_words_and_quotients_most_of_all() -> None:
    words, numbers, quotients = (
        bound({"allOf": [part] * 9}).each for part in ({"const": "a"}, {"const": 1.5}, {"multipleOf": 1})
    )
    assert numbers - words > 9 * 8
    assert quotients - words > 9 * 200


def test_what_tells_all_its_errors_costs_more_when_it_does_not_fit() -> None:
    first, all_of_them = bound({"allOf": [{"type": "null"}] * 9}), bound({"anyOf": [{"type": "null"}] * 9})
    assert first.telling == 0
    assert all_of_them.judging_aloud(100) > 20 * all_of_them.judging(100) > 0


# ---- what is called cheap, made as large as it may be

LEAVES: list[Any] = [
    {"type": "integer"},
    {"enum": [n + 0.5 for n in range(100)]},
    {"multipleOf": 0.01},
    {"minimum": -1e308},
    {"pattern": "(a|.)*a" + "(.|a)" * 15 + "$"},
    {"pattern": r"^(a|b|\S)*$"},
    {"patternProperties": {"^a|b|\\S*$": {"type": "integer"}}},
    {"required": [f"r{n}" for n in range(100)]},
    {"contains": {"type": "string"}},
    {"uniqueItems": True},
    {"contentMediaType": "application/json"},
]
WRAPS: list[Callable[[Any], Any]] = [
    lambda leaf: {"items": leaf},
    lambda leaf: {"items": {"allOf": [leaf] * 30}},
    lambda leaf: {"items": {"anyOf": [{"allOf": [leaf, False]}] * 30}},
    lambda leaf: {"items": {"oneOf": [{"allOf": [leaf, False]}, {}]}},
    lambda leaf: {"items": {"allOf": [{"$ref": "#/$defs/x"}] * 300}, "$defs": {"x": leaf}},
    lambda leaf: {"anyOf": [{"items": leaf}] * 5},
    lambda leaf: {"allOf": [leaf], "items": {"not": {"not": leaf}}},
]
UNITS = ["1", "1e308", '"a"', "[]", f'"{"a" * 50}"', "9" * 20, "9" * 4000, '{"a":1,"b":2}']


@pytest.mark.parametrize("unit", UNITS, ids=range(len(UNITS)))
def test_the_largest_answers_that_are_called_cheap_are(unit: str) -> None:
    for leaf in LEAVES:
        for wrap in WRAPS:
            schema = wrap(leaf)
            cost = bound(schema)
            for bounded, last in ((cost.judging, []), (cost.judging_aloud, ["false"])):
                count = 1
                while bounded((len(unit) + 1) * (count + count // 8 + 1)) <= CHEAP:
                    count += count // 8 + 1
                judge_if_cheap(schema, f"[{','.join([unit] * count + last)}]")


# ---- anything

NAMES = ["a", "b", "$ref", "$defs", "pattern"]
REFS = ["#", "#/$defs/a", "#/$defs/b", "#/$defs/$ref", "#/$defs/$defs", "#/properties/a", "#/items", "#/$defs/a/items"]
KEYWORDS_OF_ONE = ["items", "not", "if", "then", "else", "contains", "propertyNames", "additionalProperties"]
KEYWORDS_OF_MANY = ["anyOf", "oneOf", "allOf", "prefixItems"]
KEYWORDS_OF_NAMED = ["properties", "dependentSchemas", "$defs", "patternProperties"]
SIMPLE: list[dict[str, Any]] = [
    {"type": "integer"},
    {"type": "string"},
    {"required": NAMES},
    {"enum": [1, "a", [], {"$ref": "#"}]},
    {"const": {"a": 1}},
    {"uniqueItems": True},
    {"multipleOf": 0.1},
    {"pattern": "^(a|b)*$"},
    {"$dynamicRef": "#"},
    {"unevaluatedProperties": False},
    {},
]


def _larger(schemas: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keywords: dict[str, st.SearchStrategy[Any]] = dict.fromkeys(KEYWORDS_OF_ONE, schemas)
    keywords |= dict.fromkeys(KEYWORDS_OF_MANY, st.lists(schemas, min_size=1, max_size=4))
    keywords |= dict.fromkeys(KEYWORDS_OF_NAMED, st.dictionaries(st.sampled_from(NAMES), schemas, max_size=3))
    return st.fixed_dictionaries({}, optional=keywords)


SCHEMAS = st.recursive(
    st.sampled_from(SIMPLE) | st.sampled_from(REFS).map(lambda ref: {"$ref": ref}), _larger, max_leaves=25
)
ROOTS = st.builds(
    lambda root, parts: root | {"$defs": parts},
    SCHEMAS,
    st.dictionaries(st.sampled_from(NAMES), SCHEMAS, max_size=4),
)
ANSWERS = st.recursive(
    st.sampled_from([1, 1.5, "a", "ab", None, True]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=30,
)


@settings(max_examples=80)
@given(ROOTS, ANSWERS, st.integers(0, 200))
def test_whatever_is_called_cheap_is(schema: dict[str, Any], answer: Any, times: int) -> None:
    judge_if_cheap(schema, msgspec.json.encode([answer] * times or answer).decode())
