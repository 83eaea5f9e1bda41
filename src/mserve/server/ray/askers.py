"""Sees an ingress die that has runs here. Ray lets a call go on whose caller is dead, and nobody would ever end it."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import ray
from ray.exceptions import RayActorError

log = logging.getLogger("mserve")

_NAMESPACE = "serve"
_LOOK = 2.0
"""Seconds between two looks at one that has runs here."""

Cancel = Callable[[], None]


class Askers:
    """The replicas of the ingress that read answers from here, and what to cancel when one of them dies."""

    def __init__(self) -> None:
        self._runs: dict[str, set[Cancel]] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}

    def add(self, asker: str, cancel: Cancel) -> None:
        """Have a run cancelled once its asker is dead."""
        self._runs.setdefault(asker, set()).add(cancel)
        if asker not in self._watches:
            self._watches[asker] = asyncio.create_task(self._watch(asker), name=f"mserve watch over {asker}")

    def discard(self, asker: str, cancel: Cancel) -> None:
        """Forget a run that has ended."""
        self._runs.get(asker, set()).discard(cancel)

    def close(self) -> None:
        """Look no more."""
        for watch in self._watches.values():
            watch.cancel()

    async def _watch(self, asker: str) -> None:
        """Look at an asker for as long as it has runs; one that is merely slow is waited for."""
        actor: Any = None
        while True:
            await asyncio.sleep(_LOOK)
            if not self._runs[asker]:
                break
            try:
                actor = actor or await asyncio.to_thread(ray.get_actor, asker, namespace=_NAMESPACE)
                await actor.__ray_ready__.remote()
            except (RayActorError, ValueError):  # Ray knows no actor of that name any more
                self._cancel(asker)
                break
        del self._watches[asker], self._runs[asker]

    def _cancel(self, asker: str) -> None:
        runs = [*self._runs[asker]]
        log.warning("the ingress %s has died: its %d runs here are cancelled", asker, len(runs))
        for cancel in runs:
            cancel()
