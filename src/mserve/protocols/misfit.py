"""Says what does not fit in a client's request, by the name of the field, as OpenAI's errors do."""

import re
from typing import Any, TypeVar

import msgspec

from mserve.errors import ClientError

_Type = TypeVar("_Type")

# The client's own words may stand in what msgspec says, before the place.
_PLACE = re.compile(r" - at `\$\.?(?P<place>[^`]*)`$")
_JSON_TYPES = {"int": "integer", "float": "number", "str": "string", "bool": "boolean"}
_TYPE = re.compile(rf"\b(?:{'|'.join(_JSON_TYPES)})\b")
_NAME = re.compile(r"Object (?:missing required|contains unknown) field `(?P<name>.*)`", re.DOTALL)


class MissingError(ValueError):
    """A type of ours is made without a field that another one makes necessary. The text is its name."""


def checked(sent: dict[str, Any], kind: type[_Type]) -> _Type:
    """Give what a client sent as a type of ours; `ClientError` naming the field that does not fit."""
    try:
        return msgspec.convert(sent, kind)
    except msgspec.ValidationError as error:
        raise _misfit(error) from error


def _misfit(error: msgspec.ValidationError) -> ClientError:
    """Make the error of what msgspec says: `Expected `int`, got `str` - at `$.seed``."""
    text = str(error)
    place = _PLACE.search(text)
    path = place["place"] if place else ""
    what = text[: place.start()] if place else text
    if isinstance(error.__cause__, MissingError):
        path, what = f"{path}.{what}", "this field is required"
    if what.startswith("Expected"):
        what = _TYPE.sub(lambda found: _JSON_TYPES[found[0]], what)
    name = _NAME.fullmatch(what)
    if name is not None:
        path = f"{path}.{name['name']}" if path else name["name"]
    return ClientError(f"{path or 'The request body'}: {what[0].lower()}{what[1:]}.", param=path or None)
