"""What a program's author decides about how it is served: said beside the program, read once, at load."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from mserve.program import Traits

_MARK = "__mserve__"
_Serve = TypeVar("_Serve", bound=Callable[..., Any])


def served(*, check_output: bool = True) -> Callable[[_Serve], _Serve]:
    """Decide how a program is served: a decorator for `serve`, or for the `__call__` of an object's class.

    `check_output=False` leaves it to the program whether its answer fits the `response_format` that a client asked for.
    """

    def mark(serve: _Serve) -> _Serve:
        setattr(serve, _MARK, Traits(check_output=check_output))
        return serve

    return mark


def traits_of(serve: Callable[..., Any]) -> Traits:
    """Give what was decided for a program, the defaults where nothing was."""
    while isinstance(serve, partial):
        serve = serve.func
    for marked in (serve, getattr(serve, "__call__", None)):  # noqa: B004  # the method
        if isinstance(traits := getattr(marked, _MARK, None), Traits):
            return traits
    return Traits()
