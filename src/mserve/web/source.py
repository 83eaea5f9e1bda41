"""What an exchange reads: the runs that answer it, or what a store knows of runs that answer another."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from mserve.events import Failure
from mserve.runs.choices import Batch
from mserve.runs.run import Run


class Source(Protocol):
    """The events of one answer. `Choices` is one."""

    failure: Failure | None
    """The last word of an answer that is none, once it was read."""

    @property
    def runs(self) -> Sequence[Run]:
        """The runs that are at work for this exchange alone."""
        ...

    @property
    def closed(self) -> bool:
        """Tell whether nothing more will come; something may still be unread."""
        ...

    @property
    def ended(self) -> bool:
        """Tell whether all was read, and nothing more will come."""
        ...

    @property
    def ended_at(self) -> int:
        """Give when the answer was whole, in seconds since 1970; 0 before."""
        ...

    @property
    def taken(self) -> int:
        """Count the events that were read."""
        ...

    async def take(self, until: float = ...) -> list[Batch]:
        """Give all events that were not read yet, waiting for one until a time of the loop's clock."""
        ...

    def ready(self) -> list[Batch]:
        """Give all events that were not read yet."""
        ...

    def listen(self, ring: Callable[[], None]) -> None:
        """Have `ring` called when there are events: then `wait` waits for the end alone, and for `wake`."""
        ...

    def wait(self, until: float) -> asyncio.Future[None]:
        """Give what to await: the end, or a `wake`, at most until a time of the loop's clock."""
        ...

    def wake(self) -> None:
        """Let a waiting `take` or `wait` return."""
        ...

    def close(self) -> None:
        """Read no more."""
        ...

    @property
    def must_settle(self) -> bool:
        """Whether the end may be told only after `settle`."""
        ...

    async def settle(self) -> None:
        """Return once the end may be told: who reads it finds all of the answer where it is kept."""
        ...
