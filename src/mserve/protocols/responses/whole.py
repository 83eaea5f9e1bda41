"""A reply as one body: a response that is whole, or as far as it is by now."""

from collections.abc import Sequence
from itertools import groupby

import msgspec

from mserve.events import Failure, RunEvent, Said
from mserve.protocols.base import Asked, Envelope

from .echo import begun, ended, failed, going_on, output_of, shown
from .items import Item


def whole(envelope: Envelope, asked: Asked) -> "WholeResponse":
    """Start a whole reply."""
    return WholeResponse(envelope, asked)


class WholeResponse:
    """Folds what is said into one response: an `Encoder`, and what tells of a response at any time."""

    def __init__(self, envelope: Envelope, asked: Asked) -> None:
        self._response = begun(envelope, asked)
        self._output = output_of(envelope, asked)
        self._failure: Failure | None = None

    def open(self) -> bytes:
        """Give nothing yet."""
        return b""

    def encode(self, choice: int, events: Sequence[Said]) -> bytes:
        """Take the next events, and give nothing yet; of another protocol's request, the first choice."""
        for kind, some in groupby(shown(choice, events), type):
            if kind is str:
                self._output.go_on()[1].pieces += some  # type: ignore[arg-type]  # texts alone, none of them empty
            else:
                for event in some:
                    self._take(event)  # type: ignore[arg-type]  # no text
        return b""

    def _take(self, event: RunEvent) -> None:
        if isinstance(event, Failure):
            self._failure = event
        else:
            self._output.say(event)

    def close(self, at: int) -> bytes:
        """Give the whole response."""
        if self._failure is not None:
            return msgspec.json.encode(failed(self._response, self._output, self._failure))
        return msgspec.json.encode(ended(self._response, self._output, at))

    @property
    def items(self) -> list[Item]:
        """What was said so far, as plain objects."""
        return [msgspec.to_builtins(item) for item in self._output.items]

    def so_far(self) -> bytes:
        """Give a response that is not whole yet."""
        return msgspec.json.encode(going_on(self._response, self._output.items))
