"""A reply as named events, each with its number, which is its id: a stream that broke goes on behind any of them."""

from collections.abc import Sequence
from itertools import groupby

import msgspec

from mserve.events import Failure, RunEvent, Said
from mserve.protocols.base import Asked, Envelope
from mserve.protocols.framing import json_text, one_line

from .echo import begun, ended, failed, output_of, shown
from .event_schema import BrokenOff, Completed, Created, Failed, Incomplete, InProgress, StreamEvent, TextPiece
from .text import TextPart

_encode = msgspec.json.Encoder().encode
_DELTA = "\x01"
"""Stands for any text in a frame that is cut there."""
_LOST = frozenset({"worker_died", "answer_lost"})
"""Codes of failures that others tell than the run: its process may have told clients more than what was kept."""
_BEGINS = b"event: response.output_text.delta\nid: "
UNREADABLE, GONE = "store_unavailable", "response_deleted"
"""The codes of what is no word of a run: an answer that is kept cannot be read to its end, now or ever."""


def encoder(envelope: Envelope, asked: Asked, after: int = -1) -> "EventEncoder":
    """Start a stream behind the event of a number: from there on it has the same bytes, whenever it is asked for.

    The end of an answer whose process died is told to those, too, who have had more of it than what was kept.
    """
    return EventEncoder(envelope, asked, after)


class EventEncoder:
    """Renders the events of one stream."""

    def __init__(self, envelope: Envelope, asked: Asked, after: int) -> None:
        self._response = begun(envelope, asked)
        self._output = output_of(envelope, asked)
        self._after = after
        self._next = 0
        self._failed = False
        self._text: TextPart | None = None
        self._pieces = (b"", b"", b"")

    def open(self) -> bytes:
        """Give the events that begin every response."""
        return self._frames([Created(response=self._response), InProgress(response=self._response)])

    def encode(self, choice: int, events: Sequence[Said]) -> bytes:
        """Give the frames of the next events; of another protocol's request a response shows the first choice."""
        frames: list[bytes] = []
        for kind, some in groupby(shown(choice, events), type):
            if kind is str:
                frames.append(self._texts([*some]))  # type: ignore[list-item]  # texts alone
            else:
                frames += map(self._frame, some)  # type: ignore[arg-type]  # no text
        return b"".join(frames)

    def close(self, at: int) -> bytes:
        """Give the whole response; a failure was the last word already."""
        if self._failed:
            return b""
        response = ended(self._response, self._output, at)
        kind = Incomplete if response.status == "incomplete" else Completed
        return self._frames([kind(response=response)])

    def _frame(self, event: RunEvent) -> bytes:
        if isinstance(event, Failure):
            self._failed = True
            if event.code in (UNREADABLE, GONE):
                return self._broken_off(event)
            if event.code in _LOST:
                self._next = max(self._next, self._after + 1)
            return self._frames([Failed(response=failed(self._response, self._output, event))])
        return self._frames(self._output.say(event))

    def _broken_off(self, failure: Failure) -> bytes:
        """Tell why it ends here, without a number of its own: whoever comes back goes on from what was told last."""
        last = max(self._next - 1, self._after)
        event = BrokenOff(code=failure.code, message=failure.message, param=None, sequence_number=last)
        return b"event: error\ndata: %b\n\n" % one_line(_encode(event))

    def _frames(self, events: Sequence[StreamEvent]) -> bytes:
        frames = []
        for event in events:
            event.sequence_number = number = self._next
            self._next += 1
            if number > self._after:
                name: str = event.__struct_config__.tag  # type: ignore[assignment]  # each has one
                frames.append(b"event: %b\nid: %d\ndata: %b\n\n" % (name.encode(), number, one_line(_encode(event))))
        return b"".join(frames)

    def _texts(self, texts: Sequence[str]) -> bytes:
        """Give the frames of some texts, none of which is empty."""
        opened, text = self._output.go_on()
        begun = self._frames(opened)
        if text is not self._text:
            self._text = text
            self._pieces = _cut(text.piece(_DELTA))
        text.pieces += texts
        first = self._next
        self._next += len(texts)
        before, between, after = self._pieces
        frames = [
            b"%b%d%b%b%b%d%b" % (_BEGINS, number, before, json_text(said), between, number, after)
            for number, said in enumerate(texts, first)
            if number > self._after
        ]
        joined = b"".join(frames)
        return begun + (joined if joined.isascii() else one_line(joined))


def _cut(event: TextPiece) -> tuple[bytes, bytes, bytes]:
    """Give a frame in pieces: between them stand its number, its text, and its number again."""
    before, _, rest = _encode(event).partition(json_text(event.delta))
    number = b'"sequence_number":'
    between, _, after = rest.partition(number + b"0")
    return b"\ndata: " + before, between + number, after + b"\n\n"
