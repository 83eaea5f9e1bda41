import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from mserve.errors import ClientError
from mserve.program import Call
from mserve.programs.ecosystems.json_schema import PARAMETERS
from mserve.protocols.chat_completions import decode
from mserve.runs.cancellation import Cancellation

Schema = dict[str, Any]


def format_of(response_format: object) -> Any:
    body = {"messages": [{"role": "user", "content": ""}], "response_format": response_format}
    return PARAMETERS["format"](Call(request=decode(json.dumps(body).encode()).runs[0], cancelled=Cancellation()))


def model_of(schema: Schema, name: str = "answer") -> Any:
    return format_of({"type": "json_schema", "json_schema": {"name": name, "schema": schema}})


def accepts(model: type[BaseModel], value: object) -> bool:
    """Tell whether the model takes a value; what it takes, it must not have changed."""
    try:
        read = model.model_validate_json(json.dumps(value))
    except ValidationError:
        return False
    assert json.loads(read.model_dump_json(exclude_unset=True, by_alias=True)) == value
    return True


def closed(properties: dict[str, Schema], **more: Any) -> Schema:
    """Make an object's schema as OpenAI's strict mode wants it."""
    return {
        "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False, **more
    }  # fmt: skip


# ---- plain schemas, and values that fit them, drawn together

Case = tuple[Schema, st.SearchStrategy[Any]]
SCALARS: list[Case] = [
    ({"type": "string"}, st.text(max_size=3)),
    ({"type": "integer"}, st.integers(-99, 99)),
    ({"type": "boolean"}, st.booleans()),
    ({"type": "null"}, st.none()),
    ({"type": "string", "enum": ["red", "blue"]}, st.sampled_from(["red", "blue"])),
    ({"type": "integer", "minimum": 3, "maximum": 5}, st.integers(3, 5)),
    ({"type": ["string", "null"], "description": "maybe"}, st.none() | st.text(max_size=3)),
]
NEVER = {"no": ["of", "these", "types"]}  # what fits no schema that is drawn here


def array_of(case: Case) -> Case:
    return {"type": "array", "items": case[0]}, st.lists(case[1], max_size=3)


def object_of(cases: dict[str, Case]) -> Case:
    return closed({name: case[0] for name, case in cases.items()}), st.fixed_dictionaries(
        {name: case[1] for name, case in cases.items()}
    )


def either(case: Case) -> Case:
    return {"anyOf": [case[0], {"type": "null"}]}, st.none() | case[1]


NAMES = st.sampled_from(["a", "title", "type", "_hidden", "a-b", "properties", "root"])
inner = st.recursive(
    st.sampled_from(SCALARS),
    lambda cases: (
        cases.map(array_of) | cases.map(either) | st.dictionaries(NAMES, cases, min_size=1, max_size=3).map(object_of)
    ),
    max_leaves=6,
)
roots = st.dictionaries(NAMES, inner, min_size=1, max_size=3).map(object_of)


@settings(deadline=None)  # a busy machine is no fault
@given(roots, st.data())
def test_a_model_takes_what_fits_and_refuses_what_does_not(case: Case, data: st.DataObject) -> None:
    schema, values = case
    model, good = model_of(schema), data.draw(values)
    assert model.model_json_schema() == model.model_json_schema(by_alias=True, mode="serialization") == schema
    assert accepts(model, good)
    name = data.draw(st.sampled_from(sorted(good)))
    assert not accepts(model, {**good, name: NEVER})
    assert not accepts(model, {**good, "unasked": 1})
    assert not accepts(model, {other: value for other, value in good.items() if other != name})


def test_an_open_object_takes_more_and_what_is_not_required_may_be_left_out() -> None:
    model = model_of({"type": "object", "properties": {"a": {"type": "integer"}, "b": closed({})}})
    assert accepts(model, {})
    assert model.model_validate({"more": 1, "b": {}}) is not None
    assert not accepts(model, {"b": {"more": 1}})


# ---- schemas that refer to themselves

NULL = {"type": "null"}
LIST = {"value": 1, "next": {"value": 2, "next": None}}
BAD_LIST = {"value": 1, "next": {"value": "two", "next": None}}


def node(ref: str, combine: str = "anyOf") -> Schema:
    """Make the schema of a list whose rest has the schema that `ref` names."""
    return closed({"value": {"type": "integer"}, "next": {combine: [{"$ref": ref}, NULL]}})


class Node(BaseModel):
    value: int
    next: "Node | None"


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        (node("#"), LIST, BAD_LIST),
        (node("#", "oneOf"), LIST, BAD_LIST),
        ({"$ref": "#/$defs/node", "$defs": {"node": node("#/$defs/node")}}, LIST, BAD_LIST),
        ({"$ref": "#/$defs/node", "$defs": {"node": {**node("#/$defs/node"), "title": "a node"}}}, LIST, BAD_LIST),
        ({"$ref": "#/$defs/next", "$defs": {"next": node("#/$defs/next")}}, LIST, BAD_LIST),
        ({"$ref": '#/$defs/2-"a"~1b', "$defs": {'2-"a"/b': node('#/$defs/2-"a"~1b')}}, LIST, BAD_LIST),
        ({"$ref": "#/definitions/node", "definitions": {"node": node("#/definitions/node")}}, LIST, BAD_LIST),
        (closed({"head": node("#/properties/head")}), {"head": LIST}, {"head": BAD_LIST}),
        (closed({"head": {"anyOf": [closed({"rest": {"$ref": "#"}}), NULL]}}), {"head": None}, {"head": {"rest": 5}}),
        (closed({"kids": {"type": "array", "items": {"$ref": "#"}}}), {"kids": [{"kids": []}]}, {"kids": [1]}),
        ({"anyOf": [{"type": "array", "items": {"$ref": "#"}}, {"type": "integer"}]}, [[1], 2], [["one"]]),
        (Node.model_json_schema(), LIST, BAD_LIST),
    ],
)
def test_a_schema_may_refer_to_itself(schema: Schema, good: object, bad: object) -> None:
    model = model_of(schema)
    assert model.model_json_schema() == schema
    assert accepts(model, good)
    assert not accepts(model, bad)


@pytest.mark.parametrize("combine", ["anyOf", "oneOf"])
def test_a_choice_of_tagged_objects_is_read_without_a_wrapper(combine: str) -> None:
    shapes = [
        closed({"type": {"const": "circle"}, "inside": {"anyOf": [{"$ref": "#"}, NULL]}}),
        closed({"type": {"const": "square"}, "side": {"type": "integer"}}),
    ]
    model = model_of(closed({"shape": {combine: shapes}}))
    circle = {"type": "circle", "inside": {"shape": {"type": "square", "side": 3}}}
    assert accepts(model, {"shape": circle})
    assert model.model_validate({"shape": circle}).shape.inside.shape.side == 3
    assert not accepts(model, {"shape": {"type": "circle", "side": 3}})


def test_two_parts_may_refer_to_each_other() -> None:
    def part(other: str) -> Schema:
        return closed({other: {"anyOf": [{"$ref": f"#/$defs/{other}"}, NULL]}})

    model = model_of(closed({"a": {"$ref": "#/$defs/a"}}, **{"$defs": {"a": part("b"), "b": part("a")}}))
    assert accepts(model, {"a": {"b": {"a": {"b": None}}}})
    assert not accepts(model, {"a": {"b": {"b": None}}})


# ---- around the schema


@pytest.mark.parametrize(
    "response_format",
    [None, {"type": "text"}, {"type": "json_object"}, {"type": "json_schema", "json_schema": {"name": "n"}}],
)
def test_without_a_schema_there_is_no_model(response_format: object) -> None:
    assert format_of(response_format) is None


@pytest.mark.parametrize(("name", "class_name"), [("answer", "answer"), ("my-answer.2", "my_answer_2")])
def test_the_model_is_called_as_the_client_calls_it(name: str, class_name: str) -> None:
    assert model_of(closed({}), name).__name__ == class_name


def test_who_changes_the_given_schema_changes_no_other() -> None:
    schema = closed({"a": {"type": "integer"}})
    model = model_of(schema)
    model.model_json_schema()["properties"]["a"].clear()
    assert model.model_json_schema() == schema


def test_the_models_of_two_requests_share_nothing() -> None:
    models = [model_of({"type": "array", "items": {"type": kind}}) for kind in ("string", "string", "integer")]
    kinds = [model.model_json_schema()["items"]["type"] for model in models]
    assert kinds == ["string", "string", "integer"]


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        closed({"a": {"$ref": "#/$defs/gone"}}),
        closed({"a": {"$ref": "https://example.com/schema"}}),
        closed({"a": {"type": "array"}}),
        closed({"a": {}}),
        closed({"a": {"anyOf": []}}),
        {"type": "object", "properties": [1]},
        {"type": "object", "properties": {"a": 1}},
        {"anyOf": 5},
    ],
)
def test_a_schema_that_makes_no_model_is_the_clients_error(schema: Schema) -> None:
    with pytest.raises(ClientError) as caught:
        model_of(schema)
    where = "response_format.json_schema.schema"
    assert (caught.value.status, caught.value.param) == (400, where)
    assert caught.value.message == f"{where}: no model can be made from this schema."


def test_a_schema_that_would_hold_the_loop_is_refused() -> None:
    schema = {"type": "object", "properties": {f"p{number}": {"type": "string"} for number in range(2000)}}
    with pytest.raises(ClientError, match="at most 32768 bytes"):
        model_of(schema)
