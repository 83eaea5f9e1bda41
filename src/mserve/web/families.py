"""Numbers of several processes as one: values that can be sent, and their sum. Knows nothing of who counts or asks."""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

Sample = tuple[str, dict[str, str], float]
"""A number by its name and labels."""

_GROWING = ("counter", "histogram")
_JOINED: dict[str, Callable[[float, float], float]] = {"mserve_build_info": max, "process_start_time_seconds": min}
"""What is no sum of its parts."""


class Family(Struct, frozen=True):
    """What belongs to one name, as Prometheus sees it."""

    name: str
    text: str
    kind: str
    samples: tuple[Sample, ...]


def total(parts: Iterable[Sequence[Family]]) -> tuple[Family, ...]:
    """Add up what several have counted, in the order in which it first comes."""
    families: dict[str, Family] = {}
    values: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]] = {}
    for family in (family for part in parts for family in part):
        families.setdefault(family.name, family)
        known = values.setdefault(family.name, {})
        for name, labels, value in family.samples:
            key = name, tuple(labels.items())
            known[key] = _join(name, known[key], value) if key in known else value
    return tuple(
        Family(name, family.text, family.kind, tuple((n, dict(labels), v) for (n, labels), v in values[name].items()))
        for name, family in families.items()
    )


def lasting(families: Iterable[Family]) -> tuple[Family, ...]:
    """Give what counts on when its process has ended: what only ever grows."""
    return tuple(family for family in families if family.kind in _GROWING)


def _join(name: str, one: float, other: float) -> float:
    join = _JOINED.get(name)
    return one + other if join is None else join(one, other)
