"""How an exchange hears that its client leaves: by a call of a host that offers it, else by a task that asks."""

import asyncio
from collections.abc import Callable

from starlette.types import Receive, Scope

from .extension import extension_of

Listen = Callable[[Callable[[], None]], None]
"""Takes what to call when the client leaves before it is answered, or has left; asked once the body is whole."""

LEAVING = "mserve.leaving"
"""The extension of a scope, and its one entry, that holds a host's `Listen`; other hosts tell by `receive` alone."""


class Watch:
    """Calls `ring` when the client leaves, until it is ended; a host that offers to call knows the end by itself."""

    __slots__ = ("_task",)

    def __init__(self, scope: Scope, receive: Receive, ring: Callable[[], None]) -> None:
        listen: Listen | None = extension_of(scope, LEAVING)
        self._task = None
        if listen is None:
            self._task = asyncio.create_task(_ask(receive, ring))
        else:
            listen(ring)

    def end(self) -> None:
        """Ring no more."""
        if self._task is not None:
            self._task.cancel()


async def _ask(receive: Receive, ring: Callable[[], None]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    ring()
