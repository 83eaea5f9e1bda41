"""Reads what a host offers beyond ASGI: extensions of a scope, each with one entry, of its own name."""

from typing import Any

from starlette.types import Scope


def extension_of(scope: Scope, name: str) -> Any:
    """Give what a host offers by this name; None where it does not."""
    return scope.get("extensions", {}).get(name, {}).get(name)
