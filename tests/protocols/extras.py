"""Tells what a reply has that the SDK's types do not."""

from collections.abc import Iterator

import pydantic


def extras(value: object, place: str = "") -> Iterator[str]:
    """Give the keys of a parsed reply that the SDK's types do not have."""
    if isinstance(value, pydantic.BaseModel):
        yield from (f"{place}.{key}" for key in value.model_extra or ())
        for name in type(value).model_fields:
            yield from extras(getattr(value, name), f"{place}.{name}")
    elif isinstance(value, list):
        for item in value:
            yield from extras(item, place)
