"""What other packages' objects say, and how to tell whose an object is. An ecosystem is imported when its objects come.

Each module here has `reader()`, whose result understands that ecosystem's objects for the length of one run.
"""

import importlib
import sys
from collections.abc import AsyncGenerator, Callable, Iterable
from functools import lru_cache
from uuid import uuid4

from msgspec import Struct

from mserve.events import Event


class WholeJson(Struct, frozen=True):
    """A value that is a whole reply by itself, as JSON text."""

    text: str


Said = Iterable[Event | WholeJson] | AsyncGenerator[object, None] | None
"""What a value says: events; items to say in its place, as they come; None for one that the reader has no words for."""

Reader = Callable[[object], Said]

_ECOSYSTEMS = frozenset({"langchain_core", "llama_index", "mellea", "openai", "pydantic", "pydantic_ai"})


def owner_of(item: object) -> str | None:
    """Name the ecosystem whose reader is to read an item.

    LangGraph's items are plain tuples, of a LangChain message and a dict that tells where in the graph it is from.
    """
    kind: type = type(item)
    if isinstance(item, tuple) and len(item) == 2 and isinstance(item[1], dict):
        first: type = type(item[0])
        return "langchain_core" if ecosystem_of(first) == "langchain_core" else None
    return ecosystem_of(kind)


@lru_cache(maxsize=256)
def ecosystem_of(kind: type) -> str | None:
    """Name the ecosystem that a type, or the nearest of its bases, comes from."""
    roots = (_root(base) for base in kind.__mro__)
    return next((root for root in roots if root in _ECOSYSTEMS), None)


def _root(kind: type) -> str:
    root = str(kind.__module__).partition(".")[0]
    # LlamaIndex's workflows are a package with a name that anybody's may have; beside LlamaIndex it can only be theirs.
    return "llama_index" if root == "workflows" and "llama_index.core.workflow" in sys.modules else root


def reader(ecosystem: str) -> Reader:
    """Make an ecosystem's reader for one run."""
    make: Callable[[], Reader] = importlib.import_module(f".{ecosystem}", __name__).reader
    return make()


def history_of(value: object) -> str | None:
    """Name the kind of history that a value keeps between its calls, None where it keeps none.

    Such a value that requests share tells each client what the others said.
    """
    kind: type = type(value)
    if ecosystem_of(kind) != "mellea":
        return None
    try:
        keeps: Callable[[object], str | None] = importlib.import_module(".mellea", __name__).history_of
    except ImportError:  # a Mellea of another time, whose sessions nobody here knows
        return None
    return keeps(value)


def made_up_id() -> str:
    """Give an id for a call that came without one."""
    return f"call_{uuid4().hex}"
