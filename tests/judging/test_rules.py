"""What a schema allows, and what is said of an answer that it does not: the first violation, and no value of it."""

import json
import socket
from typing import Any

import msgspec
import pytest

from mserve.judging.rules import SchemaError, fits, validator, violation

SECRET = "5ecret"
DEEP = 100_000

# A schema, and what is wrong with an answer. Wherever a value stands in it, the value is the secret one.
VIOLATIONS: list[tuple[Any, str, str]] = [
    ({"type": "object"}, f'"{SECRET}"', 'the value is not of type "object"'),
    ({"type": ["object", "null"]}, f'"{SECRET}"', "the value is not of types "),
    ({"enum": ["a", "b"]}, f'"{SECRET}"', 'the value is not one of "a" or "b"'),
    ({"const": {"a": 1}}, f'"{SECRET}"', '{"a":1} was expected'),
    ({"minLength": 9}, f'"{SECRET}"', "the value is shorter than 9 characters"),
    ({"maxLength": 2}, f'"{SECRET}"', "the value is longer than 2 characters"),
    ({"pattern": "^x"}, f'"{SECRET}"', 'the value does not match "^x"'),
    ({"minimum": 9000000}, "5318008", "the value is less than the minimum of 9000000"),
    ({"maximum": 1}, "5318008", "the value is greater than the maximum of 1"),
    ({"exclusiveMinimum": 5318008}, "5318008", "the value is less than or equal to the minimum"),
    ({"exclusiveMaximum": 5318008}, "5318008", "the value is greater than or equal to the maximum"),
    ({"multipleOf": 5}, "5318008", "the value is not a multiple of 5"),
    ({"required": ["name"]}, f'{{"a": "{SECRET}"}}', '"name" is a required property'),
    ({"properties": {"a": {"type": "integer"}}}, f'{{"a": "{SECRET}"}}', 'at a: the value is not of type "integer"'),
    ({"properties": {"b": {}}, "additionalProperties": False}, f'{{"a": "{SECRET}"}}', "('a' was unexpected)"),
    ({"additionalProperties": {"type": "null"}}, f'{{"a": "{SECRET}"}}', "at a: the value is not of type"),
    ({"patternProperties": {"^a": {"type": "null"}}}, f'{{"ab": "{SECRET}"}}', "at ab: the value is not of type"),
    ({"propertyNames": {"maxLength": 1}}, f'{{"ab": "{SECRET}"}}', '"ab" is longer than 1 character'),
    ({"minProperties": 2}, f'{{"a": "{SECRET}"}}', "the value has less than 2 properties"),
    ({"maxProperties": 0}, f'{{"a": "{SECRET}"}}', "the value has more than 0 properties"),
    ({"dependentRequired": {"a": ["b"]}}, f'{{"a": "{SECRET}"}}', '"b" is a required property'),
    ({"dependentSchemas": {"a": False}}, f'{{"a": "{SECRET}"}}', "False schema does not allow the value"),
    ({"items": {"type": "integer"}}, f'[1, "{SECRET}"]', 'at 1: the value is not of type "integer"'),
    ({"prefixItems": [{}], "items": False}, f'[1, "{SECRET}"]', "at 1: False schema does not allow the value"),
    ({"contains": {"type": "integer"}}, f'["{SECRET}"]', "None of the value are valid under the given schema"),
    ({"minItems": 2}, f'["{SECRET}"]', "the value has less than 2 items"),
    ({"maxItems": 0}, f'["{SECRET}"]', "the value has more than 0 items"),
    ({"uniqueItems": True}, f'["{SECRET}", "{SECRET}"]', "the value has non-unique elements"),
    ({"allOf": [{}, {"type": "null"}]}, f'"{SECRET}"', 'the value is not of type "null"'),
    ({"anyOf": [{"type": "null"}]}, f'"{SECRET}"', "the value is not valid under any of the schemas"),
    ({"oneOf": [{}, {}]}, f'"{SECRET}"', "the value is valid under more than one of the schemas"),
    ({"not": {}}, f'"{SECRET}"', "{} is not allowed for the value"),
    ({"if": {}, "then": {"type": "null"}}, f'"{SECRET}"', 'the value is not of type "null"'),
    ({"unevaluatedProperties": False}, f'{{"a": "{SECRET}"}}', "('a' was unexpected)"),
    ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "null"}}}, f'"{SECRET}"', 'the value is not of type "null"'),
    (False, f'"{SECRET}"', "False schema does not allow the value"),
    ({"properties": {"a": {"items": {"type": "null"}}}}, f'{{"a": [null, "{SECRET}"]}}', "at a.1: the value is not"),
    ({}, "", "it is no JSON: Input data was truncated"),
    ({}, f'{{"a": {SECRET}}}', "it is no JSON: JSON is malformed"),
    ({}, f'{{"a": 1}} {SECRET}', "it is no JSON: JSON is malformed"),
    ({}, f'```json\n{{"a": "{SECRET}"}}\n```', "it is no JSON: JSON is malformed"),
    ({}, '{"a": 1', "it is no JSON: Input data was truncated"),
    ({}, "NaN", "it is no JSON: JSON is malformed"),
    ({}, "[Infinity]", "it is no JSON: JSON is malformed"),
    ({}, "-Infinity", "it is no JSON: JSON is malformed"),
    ({}, "1e999", "it is no JSON: Number out of range"),
    ({}, "7" * 100_000, "it is no JSON: Integer value out of range"),
    ({}, '"\\ud800"', "it is no JSON"),
    ({}, '"\\udc00 "', "it is no JSON"),
    ({}, "[" * DEEP + "]" * DEEP, "it is nested too deeply"),
    ({"type": "object"}, "[" * 300 + "]" * 300, "it is nested too deeply"),
]

FITTING: list[tuple[Any, str]] = [
    ({"type": "object"}, "{}"),
    ({"type": "object"}, ' \n{"a": "\\ud83d\\ude00"}\t'),
    (True, "null"),
    ({}, "-0.0"),
    ({"type": "number"}, "1e308"),
    ({"type": "integer"}, "123456789012345678901234567890"),
    ({"type": "integer"}, "1.0"),
    ({"items": {"$ref": "#"}}, "[[[]], []]"),
    ({"$ref": "#/$defs/a/b", "$defs": {"a/b": False, "a": {"b": {}}}}, "1"),
    ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {}, "a": {"b": False}}}, "1"),
    ({"$schema": "http://json-schema.org/draft-04/schema#", "exclusiveMinimum": True, "minimum": 1}, "2"),
    ({"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "null"}]}, "[null, 1]"),
    # By 2020-12 a format is a note; by the older drafts, an answer's strings would become patterns.
    ({"$schema": "http://json-schema.org/draft-07/schema#", "format": "regex"}, '"("'),
    ({"format": "email"}, '"nobody"'),
    ({"format": "no such format"}, '""'),
    ({"unknown": 1, "title": "x", "description": "y", "examples": [1]}, "1"),
]

BAD_SCHEMAS: list[tuple[Any, str]] = [
    ({"type": "strnig"}, "at type: "),
    ({"type": 5}, "at type: "),
    ({"properties": []}, "at properties: "),
    ({"properties": {"a": 5}}, "at properties.a: "),
    ({"required": "a"}, "at required: "),
    ({"minimum": "1"}, "at minimum: "),
    ({"pattern": "("}, "at pattern: "),
    ({"patternProperties": {"(": {}}}, "at patternProperties"),
    ({"enum": 1}, "at enum: "),
    ({"$ref": "#/$defs/none"}, "does not exist"),
    ({"$ref": "#none"}, "none"),
    ({"$schema": "https://json-schema.org/of-our-own"}, "of-our-own"),
    ([], ""),
    (5, ""),
]


@pytest.mark.parametrize(("schema", "answer", "wrong"), VIOLATIONS)
def test_the_first_violation_is_named_and_no_value_of_the_answer(schema: Any, answer: str, wrong: str) -> None:
    rules = msgspec.json.encode(schema)
    assert not fits(rules, answer)
    told = violation(rules, answer)
    assert told is not None
    assert wrong in told
    assert SECRET not in told
    assert "5318008" not in told.replace("imum of 5318008", "")  # which is the schema's word


@pytest.mark.parametrize(("schema", "answer"), FITTING)
def test_an_answer_that_fits_has_no_violation(schema: Any, answer: str) -> None:
    rules = msgspec.json.encode(schema)
    assert fits(rules, answer)
    assert violation(rules, answer) is None


@pytest.mark.parametrize(("schema", "wrong"), BAD_SCHEMAS)
def test_a_schema_that_is_none_is_refused_with_its_place(schema: Any, wrong: str) -> None:
    with pytest.raises(SchemaError) as told:
        validator(msgspec.json.encode(schema))
    assert wrong in str(told.value)


def test_a_schema_that_is_nested_too_deeply_is_refused() -> None:
    for depth in (400, 50_000):
        with pytest.raises(SchemaError, match="nested too deeply"):
            validator(b'{"not":' * depth + b"{}" + b"}" * depth)


def test_what_is_told_is_short_whatever_the_schema_says() -> None:
    rules = msgspec.json.encode({"const": "x" * 10_000})
    told = violation(rules, "1")
    assert told is not None
    assert len(told) < 310
    assert told.endswith("…")
    with pytest.raises(SchemaError) as refused:
        validator(msgspec.json.encode({"$ref": "#/" + "x" * 10_000}))
    assert len(str(refused.value)) < 310


def test_a_name_that_is_a_number_is_a_place_like_any_other() -> None:
    rules = msgspec.json.encode({"properties": {"0": {"items": {"type": "null"}}}})
    assert violation(rules, '{"0": [1]}') == 'at 0.0: the value is not of type "null"'


@pytest.mark.parametrize("keyword", ["$ref", "$dynamicRef", "$schema", "$id", "$recursiveRef"])
def test_nothing_is_ever_fetched(keyword: str, tmp_path: Any) -> None:
    file = tmp_path / "schema.json"
    file.write_text("{}")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)
        for address in (f"http://127.0.0.1:{listening.getsockname()[1]}/schema.json", file.as_uri(), str(file)):
            for schema in ({keyword: address}, {"$id": address, "properties": {"a": {"$ref": "other.json"}}}):
                # Being refused is right, and so is reading it as a name: but nobody is asked.
                try:
                    fits(json.dumps(schema).encode(), '{"a": 1}')
                except SchemaError as error:
                    assert str(error)  # noqa: PT017  # some are refused, some are names
        with pytest.raises(TimeoutError):
            listening.accept()


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9/a", "file:///etc/passwd", "other.json", "urn:example:a", "//h/a"]
)
def test_a_reference_to_what_the_schema_has_not_is_refused(address: str) -> None:
    with pytest.raises(SchemaError):
        validator(msgspec.json.encode({"properties": {"a": {"$ref": address}}}))


def test_the_exact_arithmetic_of_numbers() -> None:
    assert fits(b'{"multipleOf": 0.01}', "19.99")
    assert not fits(b'{"multipleOf": 0.01}', "19.999")
    assert fits(b'{"const": 12345678901234567890}', "12345678901234567890")
    assert not fits(b'{"const": 12345678901234567890}', "12345678901234567891")
