"""What other packages' objects say, and how to tell whose an object is. An ecosystem is imported when its objects come.

Each module here has `reader()`, whose result understands that ecosystem's objects for the length of one run.
"""

import importlib
from collections.abc import AsyncGenerator, Callable, Iterable
from functools import lru_cache

from msgspec import Struct

from mserve.events import Event


class WholeJson(Struct, frozen=True):
    """A value that is a whole reply by itself, as JSON text."""

    text: str


Said = Iterable[Event] | AsyncGenerator[Event, None] | WholeJson | None
"""What a value says: events, events to come, one JSON reply; None for a value that the reader has no words for."""

Reader = Callable[[object], Said]

_ECOSYSTEMS = frozenset({"mellea", "openai", "pydantic"})


@lru_cache(maxsize=256)
def ecosystem_of(kind: type) -> str | None:
    """Name the ecosystem that a type, or the nearest of its bases, comes from."""
    roots = (base.__module__.partition(".")[0] for base in kind.__mro__)
    return next((root for root in roots if root in _ECOSYSTEMS), None)


def reader(ecosystem: str) -> Reader:
    """Make an ecosystem's reader for one run."""
    make: Callable[[], Reader] = importlib.import_module(f".{ecosystem}", __name__).reader
    return make()
