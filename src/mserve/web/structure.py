"""Refuses a body that would cost too much to take apart: too deep, or too many values. Looks at bytes alone."""

from array import array
from itertools import accumulate

from mserve.errors import ClientError
from mserve.options import Limits

_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
"""One level down and one level up, as signed bytes."""
_NO_BRACKETS = bytes(set(range(256)) - set(b"[{]}"))
_IDLE = bytes(set(range(256)) - set(b'[{]},"\\/bfnrtu'))
"""All that is neither counted, nor ends a text, nor may stand behind a backslash."""


def check_structure(body: bytes, limits: Limits) -> None:
    """Refuse what is too much to decode: `ClientError`.

    A decoder would hold the loop for many seconds with the tens of millions of values that 32 MiB have room for.
    """
    if _count(body, b"[{") <= limits.max_depth and len(body) <= limits.max_values:
        return  # it cannot be: nearly every request ends here
    most_texts = 2 * (limits.max_values + 1)  # one after each bracket and comma, and perhaps its key
    kept = body.translate(None, _IDLE).replace(b"\\\\", b"").replace(b'\\"', b"")
    pieces = kept.split(b'"', 2 * most_texts + 1)  # every other one is outside of all texts
    bare = b"".join(pieces[::2])
    if len(pieces) // 2 > most_texts or _count(bare, b"[{,") > limits.max_values:
        raise ClientError(f"The request body holds more than {limits.max_values} values.", code="invalid_json")
    if _depth(bare) > limits.max_depth:
        raise ClientError(f"The request body is nested more than {limits.max_depth} levels deep.", code="invalid_json")


def _count(text: bytes, what: bytes) -> int:
    return sum(map(text.count, what))


def _depth(bare: bytes) -> int:
    return max(accumulate(array("b", bare.translate(_STEPS, _NO_BRACKETS))), default=0)
