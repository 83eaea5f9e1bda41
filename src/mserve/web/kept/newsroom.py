"""Tells who follows a kept run that there is more of it to read, whichever process it runs in."""

import asyncio
from collections.abc import Callable, Collection

from mserve.store.base import News, Store

_LOOK = 0.05
"""Seconds between two looks at the runs of other processes."""
_OWN = 20
"""Of so many looks, one is for the runs of this process too: mostly their writer tells by itself."""


class Newsroom:
    """Asks the store for all followers together."""

    def __init__(self, store: Store, is_ours: Callable[[str], bool]) -> None:
        self._store = store
        self._is_ours = is_ours
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._task: asyncio.Task[None] | None = None
        self._looks = 0

    async def news(self, key: str, have: int) -> News | None:
        """Give how far a run is, once it has more events than a follower has, or has ended; None for one not kept."""
        told = asyncio.Event()
        self._waiting.setdefault(key, set()).add(told)
        try:
            while True:
                told.clear()
                news = (await self._store.news([key])).get(key)
                if news is None or news.count > have or news.status != "active":
                    return news
                if self._task is None:
                    self._task = asyncio.create_task(self._look(), name="mserve news of kept runs")
                await told.wait()
        finally:
            self._waiting[key].discard(told)
            if not self._waiting[key]:
                del self._waiting[key]

    def tell(self, keys: Collection[str]) -> None:
        """Tell those who follow some runs that these have gone on."""
        for key in keys:
            for told in self._waiting.get(key, ()):
                told.set()

    def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()

    async def _look(self) -> None:
        """Look as long as somebody waits."""
        known: dict[str, News] = {}
        while self._waiting:
            await asyncio.sleep(_LOOK)
            self._looks += 1
            keys = [key for key in self._waiting if self._looks % _OWN == 0 or not self._is_ours(key)]
            if not keys:
                continue
            try:
                now = await self._store.news(keys)
            except Exception:  # noqa: BLE001  # each hears it from the store, by asking
                self.tell(keys)
                continue
            self.tell([key for key in keys if key not in now or now[key] != known.get(key)])
            known = now
        self._task = None
