"""Tells Ray's metrics what a replica has counted, under Ray's tags of application, deployment and replica."""

import asyncio
from collections.abc import Callable, Iterable

from ray.serve.metrics import Counter, Gauge

from mserve.web.families import Family

_EACH = 5.0
_GROWING = ("counter", "histogram")


class Metering:
    """One replica's numbers. Histograms go as the counters that Prometheus makes of them, since they are counted."""

    def __init__(self, counted: Callable[[], Iterable[Family]]) -> None:
        self._counted = counted
        self._metrics: dict[str, Counter | Gauge] = {}
        self._before: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
        self._task = asyncio.get_running_loop().create_task(self._keep(), name="mserve metrics to Ray")

    def close(self) -> None:
        """Tell no more."""
        self._task.cancel()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(_EACH)
            self._tell()

    def _tell(self) -> None:
        for family in self._counted():
            for name, labels, value in family.samples:
                known = name.removesuffix("_total")  # Ray adds its own
                if family.kind in _GROWING:
                    self._grow(known, family.text, labels, value)
                else:
                    self._metric(Gauge, known, family.text, labels).set(value, tags=labels)

    def _grow(self, name: str, text: str, labels: dict[str, str], value: float) -> None:
        key = name, tuple(labels.items())
        more = value - self._before.get(key, 0.0)
        if more > 0:
            self._metric(Counter, name, text, labels).inc(more, tags=labels)
            self._before[key] = value

    def _metric(self, kind: type[Counter | Gauge], name: str, text: str, labels: dict[str, str]) -> Counter | Gauge:
        if name not in self._metrics:
            self._metrics[name] = kind(name, description=text, tag_keys=tuple(labels))
        return self._metrics[name]
