"""Server-sent events: frames, comments and the JSON inside them. Every frame ends with a blank line."""

import msgspec

PING = b": ping\n\n"
"""A comment: the one filler that no client takes for data."""
DONE = b"data: [DONE]\n\n"
"""OpenAI's last frame; nothing may follow it."""
json_text = msgspec.json.Encoder().encode
"""Gives a text as JSON, quickly. It must have no lone surrogate; see `one_line`."""


def frame(value: object) -> bytes:
    """Give the frame whose data is a value's JSON."""
    return framed(msgspec.json.encode(value))


def framed(encoded: bytes) -> bytes:
    """Give the frame whose data is this JSON."""
    return b"data: " + one_line(encoded) + b"\n\n"


def one_line(encoded: bytes) -> bytes:
    r"""Escape what Unicode calls a line's end besides \n and \r: clients that use `splitlines` break a frame there.

    In JSON these three can stand inside a string only, where the escape means the same.
    """
    return (
        encoded.replace(b"\xe2\x80\xa8", b"\\u2028")
        .replace(b"\xe2\x80\xa9", b"\\u2029")
        .replace(b"\xc2\x85", b"\\u0085")
    )
