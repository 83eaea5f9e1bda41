"""Reads what a server sent, strictly, and refuses a wrong, a missing, a doubled or a merged token.

Runs after the clock has stopped. A reply is compared with what it must be, as one piece of bytes; only where that does
not fit is each of its frames decoded.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.contenders.program import WORDS

_QUOTED = [json.dumps(word).encode() for word in WORDS]
_DONE = b"data: [DONE]"


class WrongOutputError(Exception):
    """A server said something else than the program."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What each reply on a connection must hold."""

    tokens: int
    stream: bool
    done: bool = True
    """Whether a stream ends with `[DONE]`."""


@dataclass(frozen=True)
class Seen:
    """What came over one connection, all of it right."""

    replies: int
    """Whole replies."""
    tokens: int
    """Tokens, those of a reply that was still under way included."""


def check(data: bytes, expected: Expected) -> Seen:
    """Read all that one connection brought; `WrongOutputError` unless every token is there, once, and in order.

    The last reply may be cut anywhere; what there is of it must be right.
    """
    replies = tokens = 0
    for body, is_whole in _bodies(data):
        if expected.stream:
            tokens += _tokens_of_stream(body, expected, is_whole=is_whole)
        elif is_whole:
            tokens += _tokens_of_reply(body, expected)
        replies += is_whole
    return Seen(replies, tokens)


def _bodies(data: bytes) -> Iterator[tuple[bytes, bool]]:
    """Give the replies' bodies, and whether each is whole."""
    at = 0
    while at < len(data):
        end = data.find(b"\r\n\r\n", at)
        if end < 0:
            return
        head = data[at:end].lower()
        if not head.startswith(b"http/1.1 200 "):
            raise WrongOutputError(f"not a 200: {data[at : at + 300]!r}")
        if b"transfer-encoding: chunked" in head:
            body, at, is_whole = _chunked(data, end + 4)
        else:
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            at = end + 4 + length
            body, is_whole = data[end + 4 : at], at <= len(data)
        yield body, is_whole


def _chunked(data: bytes, at: int) -> tuple[bytes, int, bool]:
    """Give a chunked body, where it ends, and whether it does."""
    parts = []
    while (line := data.find(b"\r\n", at)) >= 0:
        size = int(data[at:line], 16)
        start, at = line + 2, line + 2 + size
        if not data.startswith(b"\r\n", at):
            if len(data) >= at + 2:
                raise WrongOutputError(f"a chunk that does not end: {data[start : start + 300]!r}")
            parts.append(data[start:at])
            break
        at += 2
        if size == 0:
            return b"".join(parts), at, True
        parts.append(data[start : at - 2])
    return b"".join(parts), len(data), False


def _tokens_of_reply(body: bytes, expected: Expected) -> int:
    content = _decoded(body)["choices"][0]["message"]["content"]
    if content != "".join(WORDS[: expected.tokens]):
        raise WrongOutputError(f"another answer: {content!r:.300}")
    return expected.tokens


def _tokens_of_stream(body: bytes, expected: Expected, *, is_whole: bool) -> int:
    if not is_whole:
        contents, _ = _frames(b"".join(body.rpartition(b"\n\n")[:2]))
        if contents != WORDS[: min(len(contents), expected.tokens)]:
            raise WrongOutputError(_first_wrong(contents, expected.tokens))
        return len(contents)
    if not _is_as_expected(body, expected):
        contents, is_done = _frames(body)
        if contents != WORDS[: expected.tokens]:
            raise WrongOutputError(_first_wrong(contents, expected.tokens))
        if is_done != expected.done:
            raise WrongOutputError(f"the end is {body[-100:]!r}")
    return expected.tokens


def _is_as_expected(body: bytes, expected: Expected) -> bool:
    """Compare a whole reply in one step, which needs the frames around the tokens to be the same."""
    begin = body.rfind(b"data: ", 0, body.find(_QUOTED[0]) + 1)
    end = body.find(b"\n\n", begin) + 2
    if begin < 0 or end < 2:
        return False
    before, _, after = body[begin:end].partition(_QUOTED[0])
    must = before + (after + before).join(_QUOTED[: expected.tokens]) + after
    if not body.startswith(must, begin):
        return False
    rest = begin + len(must)
    around, is_done = _frames(body[:begin] + body[rest:])
    return not around and is_done == expected.done and _frames(body[begin:end])[0] == WORDS[:1]


def _frames(body: bytes) -> tuple[list[str], bool]:
    """Give what each frame says, without those that say nothing, and whether `[DONE]` is the last of them."""
    frames = body.split(b"\n\n")
    if frames.pop():
        raise WrongOutputError(f"a frame that does not end: {body[-300:]!r}")
    is_done = bool(frames) and frames[-1] == _DONE
    contents = [_content(frame) for frame in frames[: -1 if is_done else None] if not frame.startswith(b":")]
    return [content for content in contents if content], is_done


def _content(frame: bytes) -> str:
    if not frame.startswith(b"data: "):
        raise WrongOutputError(f"not a frame: {frame!r:.300}")
    chunk = _decoded(frame[6:])
    if "choices" not in chunk:
        raise WrongOutputError(f"no chunk: {frame!r:.300}")
    return "".join(choice["delta"].get("content") or "" for choice in chunk["choices"])


def _decoded(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        raise WrongOutputError(f"no JSON: {data!r:.300}") from None


def _first_wrong(contents: Sequence[str], count: int) -> str:
    for number, (content, word) in enumerate(zip(contents, WORDS[:count], strict=False)):
        if content != word:
            return f"token {number} is {content!r} and not {word!r}"
    return f"{len(contents)} tokens and not {count}"
