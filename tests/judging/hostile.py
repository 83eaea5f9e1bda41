"""Schemas that cost far more than they look, each with an answer that makes it do so."""

import json
from typing import Any

D4, D7 = "http://json-schema.org/draft-04/schema#", "http://json-schema.org/draft-07/schema#"
D2019 = "https://json-schema.org/draft/2019-09/schema"
LEVELS = 40
WORD = "a" * 60 + "!"


def doubling(levels: int = LEVELS, keyword: str = "anyOf", ref: str = "$ref", under: str = "$defs") -> dict[str, Any]:
    """Definitions `b0` to `bN`: each compares twice with the next."""
    parts: dict[str, Any] = {f"b{n}": {keyword: [{ref: f"#/{under}/b{n + 1}"}] * 2} for n in range(levels)}
    return parts | {f"b{levels}": {"type": "integer"}}


def nested(levels: int, keyword: str, beside: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = {"properties": {"a": {}}, "prefixItems": [{}]}
    for _ in range(levels):
        schema = {keyword: [schema]} | beside
    return schema


def by_name(levels: int, keyword: str) -> dict[str, Any]:
    """Definitions by a keyword whose parts have names."""
    parts = {f"b{n}": {keyword: {k: {"$ref": f"#/$defs/b{n + 1}"} for k in "xy"}} for n in range(levels)}
    return {"$ref": "#/$defs/b0", "$defs": parts | {f"b{levels}": {}}}


HOSTILE: dict[str, tuple[Any, str]] = {
    "doubling": ({"$ref": "#/$defs/b0", "$defs": doubling()}, '"a"'),
    "allOf, and it fits": ({"$ref": "#/$defs/b0", "$defs": doubling(keyword="allOf")}, "1"),
    "oneOf": ({"$ref": "#/$defs/b0", "$defs": doubling(keyword="oneOf")}, "1"),
    "draft-04": ({"$schema": D4, "allOf": [{"$ref": "#/definitions/b0"}],
                  "definitions": doubling(under="definitions", keyword="allOf")}, "1"),
    "definitions at another place": ({"$ref": "#/my/own/b0",
                                      "my": {"own": doubling(under="my/own", keyword="allOf")}}, "1"),
    "parts of properties": ({"$ref": "#/properties/b0", "properties": doubling(under="properties", keyword="allOf")},
                            "1"),
    "properties called $ref": ({"properties": {"$ref": {"$ref": "#/$defs/b0"}}, "$defs": doubling()}, '{"$ref": "a"}'),
    "properties called $defs": ({"properties": {"$defs": {"allOf": [{"$ref": "#/$defs/b0"}]}}, "$defs": doubling()},
                                '{"$defs": "a"}'),
    "definitions inside": ({"items": {"$ref": "#/items/$defs/b0", "$defs": doubling(under="items/$defs")}}, '["a"]'),
    "a circle": ({"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"items": {"$ref": "#/$defs/a"}}] * 2}}},
                 "[" * 60 + "]" * 60),
    "a circle through the root": ({"allOf": [{"items": {"$ref": "#"}}] * 2}, "[" * 60 + "]" * 60),
    "a dynamic reference": ({"$dynamicRef": "#/$defs/b0", "$defs": doubling(keyword="allOf")}, "1"),
    "dynamic references": ({"$ref": "#/$defs/b0", "$defs": doubling(ref="$dynamicRef", keyword="allOf")}, "1"),
    "recursive references": ({"$schema": D2019, "allOf": [{"items": {"$recursiveRef": "#"}}] * 2}, "[" * 60 + "]" * 60),
    "an escape in a reference": ({"$ref": "#/$defs/b%30", "$defs": {"b%30": {}} | doubling(keyword="allOf")}, "1"),
    "an id inside": ({"$ref": "#/$defs/a/properties/x", "$defs": {"b0": {}, "a": {
        "$id": "http://a.example/", "properties": {"x": {"$ref": "#/$defs/b0"}}, "$defs": doubling(keyword="allOf")}}},
        "1"),
    "an older id inside": ({"$schema": D4, "allOf": [{"$ref": "#/definitions/a/properties/x"}], "definitions": {
        "b0": {}, "a": {"id": "http://a.example/", "properties": {"x": {"$ref": "#/definitions/b0"}},
                        "definitions": doubling(under="definitions", keyword="allOf")}}}, "1"),
    "an anchor": ({"$ref": "#there", "$defs": {"x": {"$anchor": "there", "$ref": "#/$defs/b0"}}
                   | doubling(keyword="allOf")}, "1"),
    "a reference by the root's own id": ({"$id": "http://a.example/", "$ref": "http://a.example/#/$defs/b0",
                                          "$defs": doubling(keyword="allOf")}, "1"),
    "contains": ({"$ref": "#/$defs/b0", "$defs": {f"b{n}": {
        "contains": {"$ref": f"#/$defs/b{n + 1}"}, "items": {"$ref": f"#/$defs/b{n + 1}"}} for n in range(LEVELS)}
        | {f"b{LEVELS}": {}}}, "[" * LEVELS + "1" + "]" * LEVELS),
    "not": ({"$ref": "#/$defs/b0", "$defs": {f"b{n}": {
        "not": {"not": {"$ref": f"#/$defs/b{n + 1}"}}, "allOf": [{"$ref": f"#/$defs/b{n + 1}"}]} for n in range(LEVELS)}
        | {f"b{LEVELS}": {}}}, "1"),
    "then and else": ({"$ref": "#/$defs/b0", "$defs": {f"b{n}": {
        "if": {"$ref": f"#/$defs/b{n + 1}"}, "then": {"$ref": f"#/$defs/b{n + 1}"}} for n in range(LEVELS)}
        | {f"b{LEVELS}": {}}}, "1"),
    "dependentSchemas": (by_name(LEVELS, "dependentSchemas"), '{"x": 1, "y": 2}'),
    "dependencies": (by_name(LEVELS, "dependencies") | {"$schema": D7, "allOf": [{"$ref": "#/$defs/b0"}]},
                     '{"x": 1, "y": 2}'),
    "unevaluatedProperties": (nested(24, "anyOf", {"unevaluatedProperties": False}), '{"a": 1}'),
    "unevaluatedItems": (nested(26, "oneOf", {"unevaluatedItems": False}), "[1]"),
    "long integers, each another": ({"uniqueItems": True}, json.dumps([10**30 + n for n in range(10_000)])),
    "many fractions": ({"items": {"multipleOf": 1e-300}}, json.dumps([1e308] * 100_000)),
    "a pattern that looks around": ({"contains": {"pattern": "^((?=a)a|(?=a)aa)+$"}}, json.dumps([WORD] * 5000)),
    "a pattern that looks back": ({"contains": {"pattern": "^(?:(a)|(aa))+\\2b$"}}, json.dumps([WORD] * 5000)),
    "names that are patterns": ({"patternProperties": {"^((?=a)a|(?=a)aa)+$": {}}},
                                json.dumps({f"{WORD}{n}": 1 for n in range(3000)})),
    "many branches that fail": ({"anyOf": [{"items": {"type": "string"}}] * 100}, json.dumps([1] * 2000)),
    "a long pattern": ({"pattern": "\\S" * 2400}, '""'),
    "ids upon ids": ({"allOf": [{"$ref": "https://json-schema.org/draft/2020-12/schema", "$id": f"http://x/{n}"}
                               for n in range(1500)]}, "1"),
    "a long enum for each item": ({"items": {"enum": [*(n + 0.5 for n in range(1000)), 1e308]}},
                                  json.dumps([1e308] * 20_000)),
}  # fmt: skip
