"""The contract between a program and everything that runs one. Knows neither user code nor HTTP."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from msgspec import Struct

from .events import Event
from .options import OnDisconnect
from .request import Request

Lifespan = Callable[[], AbstractAsyncContextManager[Any]]


class Cancelled(Protocol):
    """Whether the run's answer is still wanted."""

    def is_set(self) -> bool:
        """Tell whether the run was cancelled. From any thread."""
        ...

    async def wait(self) -> None:
        """Return once the run is cancelled. On the run's event loop."""
        ...


class Line(Protocol):
    """The short way of plain text into an answer, in its place among the events.

    Who says text may append it to the list that `lend` gives, once `flows` is set or `tell` has said that it may go on,
    and only while it is asked for the next event. All else is said as an event.
    """

    flows: bool
    """Whether everybody knows that there is text to read; else `tell` comes before the next."""

    def lend(self) -> tuple[list[Any], int]:
        """Give a list, and how many texts it takes: each a `str` of 1 to `SHORT` characters, and whole."""
        ...

    def tell(self) -> bool:
        """Tell who reads that a text comes. False where it has to be an event."""
        ...


SHORT = 255
"""Characters of a text that may go the short way: so many that of a full list nobody has to know the size."""


class _NoLine:
    """Takes no text."""

    flows = False

    def lend(self) -> tuple[list[Any], int]:
        """Take none."""
        return [], 0

    def tell(self) -> bool:
        """Take none."""
        return False


NO_LINE = _NoLine()
"""For who wants all that is said as events."""


class Call(Struct, frozen=True, kw_only=True):
    """One request on its way to a program, with what surrounds it."""

    request: Request
    cancelled: Cancelled
    headers: Mapping[str, str] = {}
    caller: str | None = None
    state: Any = None
    line: Line = NO_LINE


class Traits(Struct, frozen=True, kw_only=True):
    """What a program's author decided about how it is served."""

    check_output: bool = True
    """Whether the server compares its answers with the `response_format` that a client asked for."""
    on_disconnect: OnDisconnect | None = None
    """What becomes of a run whose client leaves; None leaves it to the server."""
    max_runs: int | None = None
    """Runs at once of this program; None: as many as the server has."""
    max_queue: int | None = None
    """Runs that may wait for this program; None: as many as the server lets."""
    session_affinity: bool = False
    """Whether the turns of a conversation are to reach the same replica, as far as that has room."""


class Program(Protocol):
    """Something that answers requests with events."""

    @property
    def name(self) -> str:
        """What clients write as `model`."""
        ...

    @property
    def declares(self) -> frozenset[str]:
        """The names of the parameters that the program takes."""
        ...

    @property
    def sync(self) -> bool:
        """Whether its code blocks, and so needs a thread for each run."""
        ...

    @property
    def traits(self) -> Traits:
        """What its author decided."""
        ...

    @property
    def lifespan(self) -> Lifespan | None:
        """What opens the things that all runs share. Programs of one module have the same object here."""
        ...

    def run(self, call: Call) -> AsyncGenerator[Event, None]:
        """Answer once. One task iterates it and closes it; what it raises is the program's error.

        A `ClientError` is for the client; any other exception is not.
        """
        ...
