"""`GET /openapi.json`: the server's own document, made from the types that decode requests and spell replies."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from .base import Endpoint, ErrorResponse, Wire
from .models import Model, ModelList

PATH = "/openapi.json"

_PART = re.compile(r"\{(\w+)\}")
_OURS = re.compile(rb"\bmserve\.protocols\.(?:(\w+)\.)?\w+\.(\w+)")
"""What a type is called that several protocols have: by the modules that it stands in."""
_NAME = {"type": "string", "minLength": 1}
_REF = "#/components/schemas/{name}"
_ERRORS = {
    "400": "The request does not fit; `param` names what does not.",
    "404": "There is no such thing here, or it is somebody else's.",
    "413": "The body is too large.",
    "415": "The body is not declared as JSON.",
    "default": "The program or the server failed, or the program refused.",
}


def encode_document(
    wires: Sequence[Wire], version: str, root_path: str = "", endpoints: Sequence[Endpoint] = ()
) -> bytes:
    """Give the OpenAPI document of a server that speaks some protocols, and has further endpoints.

    `root_path` is what a proxy strips.
    """
    types: list[Any] = [ErrorResponse, Model, ModelList]
    for wire in wires:
        types += [wire.OPERATION.request, wire.OPERATION.reply, wire.OPERATION.chunk]
    for one in endpoints:
        types += [kind for kind in (one.request, one.reply, one.chunk) if kind is not None]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    named = dict(zip(types, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {wire.PATH: {"post": _post(wire, named)} for wire in wires}
    for one in endpoints:
        paths.setdefault(one.path, {})[one.method] = _endpoint(one, named)
    document = msgspec.json.encode({
        "openapi": "3.1.0",
        "info": {"title": "mserve", "version": version, "description": "Programs behind OpenAI's API."},
        "servers": [{"url": root_path or "/"}],
        "paths": paths | _gets(named),
        "components": {"schemas": {name: part | {"title": name} for name, part in components.items()}},
    })  # fmt: skip
    return _OURS.sub(_public, document)


def _public(found: re.Match[bytes]) -> bytes:
    """Call a type after its protocol: our modules are nobody else's affair."""
    protocol, name = found.groups(b"")
    return protocol.title().replace(b"_", b"") + name


def _post(wire: Wire, named: dict[type, Any]) -> dict[str, Any]:
    operation = wire.OPERATION
    whole, chunk = named[operation.reply], named[operation.chunk]
    return {
        "operationId": operation.name,
        "summary": operation.summary,
        "requestBody": {"required": True, "content": {"application/json": {"schema": named[operation.request]}}},
        "responses": {
            "200": {
                "description": "A whole reply; with `stream`, its chunks, each as the data of an event.",
                "content": {
                    "application/json": {"schema": whole},
                    "text/event-stream": {"schema": _event(chunk, named[ErrorResponse])},
                },
            },
            **_errors(named, _ERRORS),
        },
    }


def _endpoint(one: Endpoint, named: dict[Any, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": named[one.reply]}}
    if one.chunk is not None:
        content["text/event-stream"] = {"schema": _event(named[one.chunk], named[ErrorResponse])}
    places = [{"name": name, "in": "path", "required": True, "schema": _NAME} for name in _PART.findall(one.path)]
    query = [{"name": name, "in": "query", "schema": schema} for name, schema in one.query.items()]
    body: dict[str, Any] = {}
    if one.request is not None:
        schema = named[one.request]
        body = {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
    return {
        "operationId": one.name,
        "summary": one.summary,
        "parameters": [*places, *query],
        **body,
        "responses": {"200": {"description": one.summary, "content": content}, **_errors(named, _ERRORS)},
    }


def _event(chunk: Any, error: Any) -> dict[str, Any]:
    """Describe one event of a stream, as tools read it: this version of OpenAPI has no word for the items of one."""
    value = {"type": "string", "contentMediaType": "application/json", "contentSchema": {"anyOf": [chunk, error]}}
    data = {"anyOf": [value, {"const": "[DONE]"}]}
    return {"type": "object", "properties": {"data": data}, "required": ["data"]}


def _gets(named: dict[type, Any]) -> dict[str, Any]:
    model = {"name": "model", "in": "path", "required": True, "schema": _NAME}
    free = {"schema": {"type": "object"}}
    return {
        "/v1/models": {"get": _get("listModels", "All programs.", named[ModelList], named)},
        "/v1/models/{model}": {
            "get": _get("retrieveModel", "One program.", named[Model], named) | {"parameters": [model]}
        },
        "/health": {"get": _get("health", "Whether the server takes requests.", free["schema"], named)},
        "/health/ready": {"get": _get("ready", "Whether the server takes requests.", free["schema"], named)},
        "/health/live": {"get": _get("live", "Whether the server answers.", free["schema"], named)},
        PATH: {"get": _get("openapi", "This document.", free["schema"], named)},
    }


def _get(name: str, summary: str, schema: Any, named: dict[type, Any]) -> dict[str, Any]:
    reply = {"description": summary, "content": {"application/json": {"schema": schema}}}
    return {"operationId": name, "summary": summary, "responses": {"200": reply} | _errors(named, ("404", "default"))}


def _errors(named: dict[type, Any], statuses: Any) -> dict[str, Any]:
    content = {"application/json": {"schema": named[ErrorResponse]}}
    return {status: {"description": _ERRORS[status], "content": content} for status in statuses}
