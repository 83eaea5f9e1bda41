"""What a schema allows: its validator, and the first thing that an answer does wrong. Fetches nothing, ever."""

from functools import lru_cache
from typing import Any

import jsonschema_rs
import msgspec

_LONGEST = 300
"""Characters of a message: a schema's own words may be in it."""
_REGEX = jsonschema_rs.FancyRegexOptions(backtrack_limit=100_000)


class SchemaError(Exception):
    """The schema is none. The text says why."""


@lru_cache(maxsize=64)
def validator(schema: bytes) -> jsonschema_rs.Validator:
    """Give the validator of a schema's JSON; `SchemaError` for one that is invalid, or refers to what it has not."""
    try:
        # `format` is not judged, as 2020-12 has it: for one of them, an answer's strings would become patterns.
        return jsonschema_rs.validator_for(
            msgspec.json.decode(schema), offline=True, pattern_options=_REGEX, validate_formats=False, mask="the value"
        )
    except jsonschema_rs.ValidationError as error:
        raise SchemaError(_said(error)) from error
    except (ValueError, RecursionError) as error:
        raise SchemaError("it is nested too deeply") from error


def fits(schema: bytes, text: str) -> bool:
    """Tell whether an answer is what a schema allows. `violation` says why it is not, which may cost much more."""
    try:
        return validator(schema).is_valid(msgspec.json.decode(text))
    except (msgspec.DecodeError, RecursionError, ValueError):
        return False


def violation(schema: bytes, text: str) -> str | None:
    """Say the first thing that is wrong with an answer, without any of its values; None where it fits."""
    try:
        value: Any = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        return f"it is no JSON: {error}"
    except RecursionError:
        return "it is nested too deeply"
    try:
        validator(schema).validate(value)  # `iter_errors` makes them all before it gives the first
    except jsonschema_rs.ValidationError as error:
        return _said(error)
    except ValueError:
        return "it is nested too deeply"
    return None


def _said(error: jsonschema_rs.ValidationError) -> str:
    path = ".".join(map(str, error.instance_path))
    text = f"at {path}: {error.message}" if path else error.message
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
