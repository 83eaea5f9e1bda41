"""Notices what a program's module holds that its requests had better not share, and says so once, at load."""

import logging
import sys
from collections.abc import Iterator
from types import ModuleType

from mserve.program import Lifespan

from .ecosystems import history_of

log = logging.getLogger("mserve")


def warn_of_module(module: ModuleType) -> None:
    """Log a line for each conversation that a module holds: all of its clients would have it together."""
    for name, value in _held(module):
        _warn(module, name, value)


def warn_of_state(lifespan: Lifespan, state: object) -> None:
    """Do the same for what a lifespan yields to all requests."""
    _warn(sys.modules.get(lifespan.__module__), "what lifespan() yields", state)


def _warn(module: ModuleType | None, name: str, value: object) -> None:
    kind = history_of(value)
    if kind is not None:
        log.warning(
            "%s: %s is one session with a history (%s) for all requests, so clients would see each other's "
            "conversations; make the session in serve(), a new one for each request, and share its backend alone",
            getattr(module, "__file__", None) or getattr(module, "__name__", "a program"), name, kind,
        )  # fmt: skip


def _held(module: ModuleType) -> Iterator[tuple[str, object]]:
    """Give the variables of a module, and the attributes of those objects in them whose class is its author's own."""
    for name, value in list(vars(module).items()):
        yield name, value
        if type(value).__module__ == module.__name__:
            for attribute, held in _attributes(value).items():
                yield f"{name}.{attribute}", held


def _attributes(value: object) -> dict[str, object]:
    try:
        # Around what its author may have put there.
        found: dict[str, object] = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return found
