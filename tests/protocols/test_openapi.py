"""The server's own document: it is one, and what is really read and sent is what it says."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from schemathesis.specs.openapi.definitions import OPENAPI_31

from mserve.errors import ClientError
from mserve.events import Failure
from mserve.protocols import chat_completions, completions, models, responses
from mserve.protocols.base import Wire, encode_error
from mserve.protocols.openapi import PATH, encode_document
from mserve.protocols.responses.endpoints import ENDPOINTS
from mserve.protocols.responses.request_schema import as_checked
from mserve.request import Parameters
from protocols.bodies import (
    BODIES,
    COMPLETION_BODIES,
    COMPLETION_PARAMETERS,
    PARAMETERS,
    RESPONSE_BODIES,
    RESPONSE_PARAMETERS,
)
from protocols.folding import values
from protocols.strategies import FAILURES, TEXTS, law
from protocols.talks import LIMITS, WIRES, any_talks, asked_of, talks
from protocols.unfolding import events

_ALL: list[Wire] = [*WIRES, responses]
DOCUMENT: dict[str, Any] = json.loads(encode_document(_ALL, "1.2.3", "", ENDPOINTS))
COMPONENTS: dict[str, Any] = DOCUMENT["components"]["schemas"]
_BODIES = {
    chat_completions.PATH: BODIES,
    completions.PATH: COMPLETION_BODIES,
    responses.PATH: RESPONSE_BODIES,
}
_PARAMETERS = {
    chat_completions.PATH: PARAMETERS,
    completions.PATH: COMPLETION_PARAMETERS,
    responses.PATH: {name: [value for value, _ in cases] for name, cases in RESPONSE_PARAMETERS.items()},
}

on_each_wire = pytest.mark.parametrize("wire", _ALL, ids=lambda wire: wire.PATH)


def _validator(schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    """Make the validator of a schema that is a part of the document."""
    return jsonschema_rs.Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def _closed(value: Any) -> Any:
    """Give the same schemas with no room for what they do not name."""
    if isinstance(value, list):
        return [_closed(item) for item in value]
    if not isinstance(value, dict):
        return value
    inner = {key: _closed(item) for key, item in value.items()}
    return inner | {"additionalProperties": False} if isinstance(inner.get("properties"), dict) else inner


def _post(wire: Wire) -> dict[str, Any]:
    operation: dict[str, Any] = DOCUMENT["paths"][wire.PATH]["post"]
    return operation


def _request(wire: Wire) -> jsonschema_rs.Draft202012Validator:
    return _validator(_post(wire)["requestBody"]["content"]["application/json"]["schema"])


def _strict(schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({**schema, "components": _closed(DOCUMENT["components"])})


def _reply(wire: Wire) -> jsonschema_rs.Draft202012Validator:
    return _strict(_post(wire)["responses"]["200"]["content"]["application/json"]["schema"])


def _frame(wire: Wire) -> jsonschema_rs.Draft202012Validator:
    event = _post(wire)["responses"]["200"]["content"]["text/event-stream"]["schema"]
    value, end = event["properties"]["data"]["anyOf"]
    assert (event["required"], end, value["contentMediaType"]) == (["data"], {"const": "[DONE]"}, "application/json")
    return _strict(value["contentSchema"])


ERROR = _strict(_post(WIRES[0])["responses"]["default"]["content"]["application/json"]["schema"])


def _walk(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _walk(inner)


# ---- a document


def test_it_is_found_where_tools_look() -> None:
    assert PATH == "/openapi.json"


def test_it_is_a_document_of_openapi_3_1() -> None:
    jsonschema_rs.validate(OPENAPI_31, DOCUMENT)
    assert DOCUMENT["openapi"] == "3.1.0"
    assert DOCUMENT["info"]["version"] == "1.2.3"


@pytest.mark.parametrize("name", COMPONENTS)
def test_each_component_is_a_json_schema_with_a_plain_name_and_words_to_read(name: str) -> None:
    jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **COMPONENTS[name]})
    assert re.fullmatch("[A-Za-z]+", name)
    assert COMPONENTS[name]["title"] == name
    assert COMPONENTS[name]["description"]


def test_where_two_protocols_have_a_type_of_one_name_it_says_whose_it_is() -> None:
    assert {"ChatCompletionsTool", "ResponsesTool", "ResponseFormat", "StreamOptions"} <= COMPONENTS.keys()
    assert COMPONENTS["ChatCompletionsTool"]["properties"].keys() == {"type", "function", "custom"}
    assert COMPONENTS["ResponsesTool"]["properties"].keys() >= {"type", "name", "parameters"}
    assert "Tool" not in COMPONENTS


def test_each_reference_leads_to_a_component_and_each_component_is_referred_to() -> None:
    references = {part["$ref"] for part in _walk(DOCUMENT) if "$ref" in part}
    mapped = {ref for part in _walk(DOCUMENT) for ref in part.get("discriminator", {}).get("mapping", {}).values()}
    assert references == {f"#/components/schemas/{name}" for name in COMPONENTS}
    assert mapped <= references


def test_operations_have_names_of_their_own() -> None:
    operations = [operation for path in DOCUMENT["paths"].values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert all(operation["summary"] and operation["responses"]["200"] for operation in operations)


def test_it_has_each_path() -> None:
    gets = {"/v1/models", "/v1/models/{model}", "/health", "/health/ready", "/health/live", PATH}
    further = {endpoint.path: set[str]() for endpoint in ENDPOINTS}
    for endpoint in ENDPOINTS:
        further[endpoint.path].add(endpoint.method)
    assert DOCUMENT["paths"].keys() == {wire.PATH for wire in _ALL} | gets | further.keys()
    assert {path: set(DOCUMENT["paths"][path]) for path in further} == further
    assert all(DOCUMENT["paths"][path].keys() == {"get"} for path in gets)


@on_each_wire
def test_each_wire_says_what_it_takes_and_gives(wire: Wire) -> None:
    assert DOCUMENT["paths"][wire.PATH].keys() == {"post"}
    operation = _post(wire)
    assert operation["requestBody"]["required"] is True
    assert operation["responses"].keys() == {"200", "400", "404", "413", "415", "default"}
    assert operation["responses"]["200"]["content"].keys() == {"application/json", "text/event-stream"}


def test_the_request_names_every_parameter() -> None:
    chat, older = COMPONENTS["ChatCompletionRequest"], COMPONENTS["CompletionRequest"]
    assert chat["properties"].keys() == {*Parameters.__struct_fields__, "messages"} == {*PARAMETERS, "messages"}
    assert chat["required"] == ["messages"]
    assert older["properties"].keys() == {*COMPLETION_PARAMETERS, "prompt"}
    assert older["required"] == []
    newer = COMPONENTS["ResponsesRequest"]
    assert newer["properties"].keys() == {*RESPONSE_PARAMETERS, "input"} - {"context_management", "prompt"}
    assert newer["required"] == []


# ---- what is read


@on_each_wire
def test_what_a_parameter_may_be_is_what_the_document_says(wire: Wire) -> None:
    validator = _request(wire)
    for name, known in _PARAMETERS[wire.PATH].items():
        for value in [*known, None]:
            validator.validate({"messages": [{"role": "user"}], name: value})
            assert asked_of(wire, **{name: value}).runs


@on_each_wire
@law
@given(st.data())
def test_what_is_accepted_is_of_the_documents_schema(wire: Wire, data: st.DataObject) -> None:
    body = json.dumps(data.draw(_BODIES[wire.PATH])).encode()
    try:
        wire.decode(body, LIMITS)
    except ClientError:
        return
    sent = json.loads(body)
    _request(wire).validate(as_checked(sent) if wire is responses else sent)


# ---- what is sent


@on_each_wire
@law
@given(st.data())
def test_a_whole_reply_is_of_the_documents_schema_and_holds_nothing_else(wire: Wire, data: st.DataObject) -> None:
    _reply(wire).validate(json.loads(data.draw(talks(wire)).whole))


@on_each_wire
@law
@given(st.data())
def test_frames_are_of_the_documents_schemas_and_hold_nothing_else(wire: Wire, data: st.DataObject) -> None:
    talk, takes = data.draw(any_talks(wire))
    frame = _frame(wire)
    for value in (events if wire is responses else values)(talk.stream(takes)):
        frame.validate(value)


@law
@given(FAILURES)
def test_errors_are_of_the_documents_schema_and_hold_nothing_else(failure: Failure) -> None:
    ERROR.validate(json.loads(encode_error(failure)))


@law
@given(st.lists(TEXTS), st.integers(0, 2**40))
def test_models_are_of_the_documents_schemas_and_hold_nothing_else(names: list[str], created: int) -> None:
    responses = [DOCUMENT["paths"][path]["get"]["responses"]["200"] for path in ("/v1/models", "/v1/models/{model}")]
    listed, single = (_strict(response["content"]["application/json"]["schema"]) for response in responses)
    listed.validate(json.loads(models.encode_list(names, created)))
    for name in names:
        single.validate(json.loads(models.encode_model(name, created)))
