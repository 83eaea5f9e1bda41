"""`GET /v1/models`: what every OpenAI client asks at start-up, and takes an empty list for a broken server."""

from collections.abc import Iterable
from typing import Literal

import msgspec
from msgspec import Struct

PATH = "/v1/models"


class Model(Struct, frozen=True, kw_only=True):
    """One program, as clients see it."""

    id: str
    object: Literal["model"] = "model"
    created: int
    """Seconds since 1970: when the server started."""
    owned_by: str = "mserve"


class ModelList(Struct, frozen=True, kw_only=True):
    """All programs."""

    object: Literal["list"] = "list"
    data: list[Model]


def encode_model(name: str, created: int) -> bytes:
    """Give the body that describes one model."""
    return msgspec.json.encode(Model(id=name, created=created))


def encode_list(names: Iterable[str], created: int) -> bytes:
    """Give the body that lists all models."""
    return msgspec.json.encode(ModelList(data=[Model(id=name, created=created) for name in names]))
