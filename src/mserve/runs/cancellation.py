"""Tells a program that its answer is not wanted any more. Ends nothing itself."""

import asyncio


class Cancellation:
    """The `cancelled` of a run's call: a `Cancelled`."""

    def __init__(self) -> None:
        self._is_set = False
        self._event: asyncio.Event | None = None  # most programs never wait for it, and each has one

    def is_set(self) -> bool:
        """Tell whether the run was cancelled. From any thread."""
        return self._is_set

    async def wait(self) -> None:
        """Return once the run is cancelled. On the run's loop."""
        if not self._is_set:
            self._event = self._event or asyncio.Event()
            await self._event.wait()

    def set(self) -> None:
        """Cancel. On the run's loop."""
        self._is_set = True
        if self._event is not None:
            self._event.set()
