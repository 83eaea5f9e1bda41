"""What crosses between an ingress and a program's replica, as bytes: a call there, events back. No pickle, no Ray."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from mserve.events import Failure, Said
from mserve.request import Request
from mserve.store.codec import decode, encode


class Asked(Struct, frozen=True, kw_only=True):
    """One call of a program, without what only its own process has."""

    request: Request
    headers: dict[str, str]
    caller: str | None = None


_to_bytes = msgspec.msgpack.Encoder().encode
_of_bytes = msgspec.msgpack.Decoder(Asked).decode
_to_text = msgspec.json.Encoder().encode
_of_text = msgspec.json.Decoder(Asked).decode

BEGUN = b""
"""The first word of a replica: the run has its turn there."""


def write_call(request: Request, headers: Mapping[str, str], caller: str | None) -> bytes:
    """Write down a call."""
    asked = Asked(request=request, headers=dict(headers), caller=caller)
    try:
        return _to_bytes(asked)
    except OverflowError:  # a client may say any number, and JSON holds any
        return _to_text(asked)


def read_call(data: bytes) -> Asked:
    """Read a call. What was written as JSON begins with a sign that no map of msgpack has."""
    return _of_text(data) if data[:1] == b"{" else _of_bytes(data)


def write_events(batches: Sequence[tuple[int, Sequence[Said]]]) -> bytes:
    """Write down what a run said."""
    return encode(batches)


def write_failure(failure: Failure) -> bytes:
    """Write down why a run did not even begin."""
    return encode([(0, [failure])])


def read_events(data: bytes) -> list[Any]:
    """Read what a run said; texts are plain strings."""
    return [one for _, said in decode(data) for one in said]
