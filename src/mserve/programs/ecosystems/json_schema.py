"""Makes the Pydantic model that a program's `format` is from the JSON schema that the client asked for."""

import logging
import re
from copy import deepcopy
from typing import Any, Union, cast

import msgspec
from json_schema_to_pydantic import PydanticModelBuilder
from json_schema_to_pydantic.resolvers import ReferenceResolver
from pydantic import BaseModel, ConfigDict, RootModel, create_model

from mserve.errors import ClientError
from mserve.program import Call

log = logging.getLogger("mserve")

_PARAM = "response_format.json_schema.schema"
_MAX_SIZE = 32 * 1024  # a model is made on the event loop, in a time that grows faster than the schema
_REF = re.compile(r'"\$ref":(?P<ref>"(?:[^"\\]|\\.)*")')  # in JSON text, where no string can hold it unescaped


def _format(call: Call) -> type[BaseModel] | None:
    wanted: dict[str, Any] = (call.request.response_format or {}).get("json_schema") or {}
    return model_of(wanted["schema"], wanted["name"]) if wanted.get("schema") is not None else None


def model_of(schema: dict[str, Any], name: str) -> type[BaseModel]:
    """Make a model that validates by the schema, and whose own JSON schema is the client's, letter by letter.

    Backends constrain their output by `model_json_schema()`: it has to be what was asked for, not a retelling.
    `ClientError` for a schema that no model can be made from.
    """
    if len(msgspec.json.encode(schema)) > _MAX_SIZE:
        raise ClientError(f"{_PARAM}: this program takes schemas of at most {_MAX_SIZE} bytes.", param=_PARAM)
    try:
        model: Any = _Builder().create_pydantic_model(_with_named_parts(schema))
        if not (isinstance(model, type) and issubclass(model, BaseModel)):  # a root that is `anyOf` makes a union
            model = create_model(name, __base__=RootModel, root=(model, ...))
        model.model_rebuild(_types_namespace={_name_of(0, "#"): model})
    except Exception as error:  # the library and Pydantic have no common exception for a bad schema
        log.info("no model can be made from a client's schema: %s", error)
        raise ClientError(f"{_PARAM}: no model can be made from this schema.", param=_PARAM) from error
    model.__name__ = re.sub(r"\W", "_", name)
    model.model_json_schema = classmethod(lambda _cls, *_args, **_options: deepcopy(schema))
    return cast("type[BaseModel]", model)


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Builder(PydanticModelBuilder):  # type: ignore[misc]  # the library ships no types
    """The library's, which by itself recurses for ever at `anyOf` with a `$ref` back, and lets unasked keys pass."""

    base_model_type: type[BaseModel]

    def __init__(self) -> None:
        super().__init__()
        self.combiner_handler.handle_any_of = self.combiner_handler.handle_one_of = self._union

    def create_pydantic_model(self, schema: dict[str, Any], *how: Any, **named: Any) -> Any:
        ref = schema.get("$ref")
        part = self.reference_resolver.resolve_ref(ref, schema, schema) if ref else schema
        closed = part.get("additionalProperties") is False
        outer, self.base_model_type = self.base_model_type, _Closed if closed else BaseModel
        try:
            return super().create_pydantic_model(schema, *how, **named)
        finally:
            self.base_model_type = outer

    def _union(self, parts: list[dict[str, Any]], *how: Any) -> Any:
        return Union[tuple(self.combiner_handler.recursive_field_builder(part, *how) for part in parts)]  # noqa: UP007  # a name has no |


def _with_named_parts(schema: dict[str, Any]) -> dict[str, Any]:
    """Put all that a `$ref` means, the root first, under names of ours: the library needs them to be Python's."""
    refs = ["#"]
    parts: dict[str, Any] = {}

    def renamed(found: re.Match[str]) -> str:
        ref = msgspec.json.decode(found["ref"])
        if ref not in refs:
            refs.append(ref)
        return f'"$ref":"#/$defs/{_name_of(refs.index(ref), ref)}"'

    for number, ref in enumerate(refs):  # which grow as the parts refer to others
        text = msgspec.json.encode(ReferenceResolver().resolve_ref(ref, {}, schema)).decode()
        part = parts[_name_of(number, ref)] = msgspec.json.decode(_REF.sub(renamed, text))
        part.pop("title", None)  # by which the library would name it
    return {"$ref": f"#/$defs/{_name_of(0, '#')}", "$defs": parts}


def _name_of(number: int, ref: str) -> str:
    return re.sub(r"\W", "_", f"Part{number}_{ref.rpartition('/')[2]}")


PARAMETERS = {"format": _format}
