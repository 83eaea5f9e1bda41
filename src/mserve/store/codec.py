"""Turns the events of a batch into bytes and back, so that what an older version wrote stays readable. Knows no row."""

from collections.abc import Sequence
from struct import Struct as Layout

import msgspec

from mserve.events import Logprob, RunEvent, Said, TextDelta

from .base import StoreError

_COUNT = Layout(">I")
"""What stands before the events: how many they are, so that nobody has to read them for that."""
_Batches = list[tuple[int, list[str | RunEvent]]]
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Batches)
_long_encoder = msgspec.json.Encoder()
_long_decoder = msgspec.json.Decoder(_Batches)


def encode(batches: Sequence[tuple[int, Sequence[Said]]]) -> bytes:
    """Write down what some choices said, each with its number, in this order."""
    count = _COUNT.pack(sum([len(said) for _, said in batches]))
    try:
        return count + _encoder.encode(batches)
    except OverflowError:  # a program may say any number, and JSON holds any: it begins with another byte
        return count + _long_encoder.encode(batches)


def count(data: bytes) -> int:
    """Tell how many events were written down."""
    return int(_COUNT.unpack_from(data)[0])


def decode(data: bytes) -> list[tuple[int, list[Said]]]:
    """Read what was written down; `StoreError` for what we do not know, as of a newer version."""
    events = memoryview(data)[_COUNT.size :]
    try:
        batches = (_long_decoder if bytes(events[:1]) == b"[" else _decoder).decode(events)
        return [(choice, list(map(_typed, said))) for choice, said in batches]
    except msgspec.MsgspecError as error:
        raise StoreError(f"a run's events cannot be read, perhaps since a newer mserve wrote them: {error}") from error


def _typed(one: Said) -> Said:
    """Give the tokens of a text their type: the event's own field takes any."""
    if isinstance(one, TextDelta) and one.logprobs:
        return TextDelta(one.text, msgspec.convert(one.logprobs, tuple[Logprob, ...]))
    return TextDelta(one.text) if isinstance(one, TextDelta) else one
