"""Where a request's scope holds who sent it."""

from starlette.types import Scope

CALLER = "mserve.caller"
"""The name of the key that the client showed."""


def owner_of(scope: Scope) -> str:
    """Give whose the things are that a request makes; those of callers without a key are everybody's."""
    return scope.get(CALLER) or ""
