"""Cuts what is too long for one frame, as fast as it is read. Loses nothing, and joins nothing."""

from collections.abc import Iterable, Iterator

from mserve.events import Event, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta

from .log import length

PIECE = 64 * 1024
"""Bytes of the longest text that stays one event: a longer one is cut, so that no frame is huge."""


def pieces(event: Event) -> Iterable[Event]:
    """Cut an event whose text is larger than a frame should be; no code point is longer than four bytes."""
    if length(event) * 4 <= PIECE:
        return (event,)
    if isinstance(event, ToolCallDelta):
        return (ToolCallDelta(event.id, piece) for piece in _cut(event.arguments))
    if isinstance(event, TextDelta) and not event.logprobs:
        return map(TextDelta, _cut(event.text))
    if isinstance(event, ReasoningDelta | RefusalDelta):
        return map(type(event), _cut(event.text))
    return (event,)  # sound, and a text that its tokens belong to


def _cut(text: str) -> Iterator[str]:
    if len(text.encode()) <= PIECE:
        yield text
    else:
        for start in range(0, len(text), PIECE // 4):
            yield text[start : start + PIECE // 4]
