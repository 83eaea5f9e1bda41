"""Puts reasoning into the text, between `<think>` and `</think>`, for clients that look for it there. Never waits."""

from collections.abc import Iterator

from mserve.events import Event, ReasoningDelta, TextDelta, Usage

_BEGIN, _END = "<think>\n", "\n</think>\n\n"


class ThinkText:
    """Rewrites the events of one run."""

    def __init__(self) -> None:
        self._thinks = False

    def feed(self, event: Event) -> Iterator[Event]:
        """Give what stands for an event; all but usage ends a thought."""
        if isinstance(event, ReasoningDelta):
            yield TextDelta(event.text if self._thinks else _BEGIN + event.text)
            self._thinks = True
            return
        if self._thinks and not isinstance(event, Usage):
            self._thinks = False
            yield TextDelta(_END)
        yield event
