"""Asks workers again and again whether their loops live, and adds up what they count. It ends none of them."""

import asyncio
from collections.abc import Iterator

from mserve.web.families import Family, lasting, total

from .child import Child
from .messages import Answer, Ask, Sum

BEAT = 0.5
"""Seconds between two questions."""
_PATIENCE = 1.0
"""Seconds in which a worker's numbers count as they are; then those count that it told last, until it answers again."""


class _Heard:
    """What is known of one worker."""

    def __init__(self) -> None:
        self.beaten = self.answered = 0
        self.silent = 0.0
        self.families: tuple[Family, ...] = ()


class Pulse:
    """The pulse of all workers that are ready. A sum never goes back: what the dead told last counts on."""

    def __init__(self) -> None:
        self._heard: dict[Child, _Heard] = {}
        self._gone: tuple[Family, ...] = ()
        self._number = 0
        self._wanted: set[Child] = set()
        self._served: set[Child] = set()
        self._missing: dict[Child, int] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __contains__(self, child: Child) -> bool:
        return child in self._heard

    def begin(self, child: Child) -> None:
        """Ask a worker from now on."""
        self._heard[child] = _Heard()

    def end(self, child: Child) -> None:
        """Ask no more, since it has ended."""
        if (heard := self._heard.pop(child, None)) is not None:
            self._gone = total([self._gone, lasting(heard.families)])
        self._wanted.discard(child)
        self._served.discard(child)
        self._had(child)

    def beat(self) -> None:
        """Ask all who have answered; the others have been silent for one beat more.

        Beats are counted, not seconds: where the supervisor itself stood still, nobody is to blame.
        """
        for child, heard in self._heard.items():
            if heard.answered < heard.beaten:
                heard.silent += BEAT
            else:
                heard.beaten = self._ask(child)

    def silent(self, seconds: float) -> Iterator[Child]:
        """Give the workers that have not answered for so long."""
        return (child for child, heard in self._heard.items() if heard.silent >= seconds)

    def answered(self, child: Child, answer: Answer) -> None:
        """Take an answer."""
        if (heard := self._heard.get(child)) is None:
            return
        heard.silent = 0.0
        heard.families = answer.families
        heard.answered = answer.number
        if answer.number >= self._missing.get(child, 0):
            self._had(child)

    def want(self, child: Child) -> None:
        """Let a worker have the sum of what all have counted by now, in bounded time."""
        self._wanted.add(child)
        if self._timer is None:
            self._gather()

    def _gather(self) -> None:
        self._served, self._wanted = self._wanted, set()
        self._timer = asyncio.get_running_loop().call_later(_PATIENCE, self._deliver)
        self._missing = {child: self._ask(child) for child, heard in self._heard.items() if not heard.silent}
        self._had(None)

    def _ask(self, child: Child) -> int:
        self._number += 1
        child.tell(Ask(self._number))
        return self._number

    def _had(self, child: Child | None) -> None:
        if child is not None:
            self._missing.pop(child, None)
        if self._timer is not None and not self._missing:
            self._timer.cancel()
            self._deliver()

    def _deliver(self) -> None:
        self._timer, self._missing = None, {}
        told = Sum(total([*(heard.families for heard in self._heard.values()), self._gone]))
        for child in self._served:
            child.tell(told)
        if self._wanted:
            self._gather()
