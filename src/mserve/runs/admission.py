"""Who may run now, who waits for a turn, and who is told to come again. Knows programs by their name alone."""

from collections import Counter, deque
from collections.abc import Sequence

from msgspec import Struct

from mserve.errors import ClientError

from .bell import Bell
from .timers import Timers


class Gate(Struct, frozen=True):
    """Something that so many runs may hold at once: the server, a program, or a thread."""

    name: str
    capacity: int
    queue: int
    """How many may wait for it; nobody waits longer than for the strictest of their gates."""


class Turn(Struct, eq=False):
    """One run's right to run. Whoever holds one ends it, whatever happened."""

    gates: Sequence[Gate]
    _admission: "Admission"
    _bell: Bell | None = None
    has_come: bool = False
    _has_ended: bool = False

    async def wait(self, seconds: float, timers: Timers) -> bool:
        """Return once it is this run's turn, or after some seconds; tell whether it is."""
        if not self.has_come:
            self._bell = Bell(timers)
            try:
                await self._bell.wait(timers.time() + seconds)
            finally:
                self._bell.end()
        return self.has_come

    def come(self) -> None:
        """Let the run begin."""
        self.has_come = True
        if self._bell is not None:
            self._bell.ring()

    def end(self) -> None:
        """Let another have it. Again: nothing."""
        if not self._has_ended:
            self._has_ended = True
            self._admission.ended(self)


class Admission:
    """The turns of one server. Those who wait come in their order; nobody is held up by one whose gate is another."""

    def __init__(self) -> None:
        self._held: Counter[str] = Counter()
        self._waiting: deque[Turn] = deque()

    def reserve(self, gates: Sequence[Gate], count: int) -> list[Turn]:
        """Give turns, all of them or none: `ClientError` 429 where they would have to wait behind too many.

        A 400 where these alone are too many, since waiting would not help.
        """
        for gate in gates:
            if count > (most := gate.capacity + gate.queue):
                raise ClientError(f"{gate.name} has room for {most} answers to one request, not {count}.", param="n")
        turns = [Turn(gates, self) for _ in range(count)]
        for turn in turns:
            if not self._lets(turn):
                self._waiting.append(turn)
        if turns[-1].has_come:
            return turns
        full = next((gate for gate in gates if self._queued(gate) > gate.queue), None)
        if full is None:
            return turns
        for turn in turns:
            turn.end()
        raise ClientError(f"{full.name} is busy, and too many wait for it: try again later.", 429, "overloaded")

    @property
    def queued(self) -> int:
        """Count those who wait."""
        return len(self._waiting)

    def ended(self, turn: Turn) -> None:
        """Take a turn back, and let those come whose turn it is now."""
        if not turn.has_come:
            self._waiting.remove(turn)
            return
        for gate in turn.gates:
            self._held[gate.name] -= 1
        for waiting in [*self._waiting]:
            if self._lets(waiting):
                self._waiting.remove(waiting)

    def _lets(self, turn: Turn) -> bool:
        """Let a turn come, where all its gates have room for it; tell whether they have."""
        for gate in turn.gates:
            if self._held[gate.name] >= gate.capacity:
                return False
        for gate in turn.gates:
            self._held[gate.name] += 1
        turn.come()
        return True

    def _queued(self, gate: Gate) -> int:
        return sum(gate in turn.gates for turn in self._waiting)
