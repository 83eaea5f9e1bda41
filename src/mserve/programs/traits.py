"""What a program's author decides about how it is served: said beside the program, read once, at load."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, get_args

from mserve.options import OnDisconnect
from mserve.program import Traits

_MARK = "__mserve__"
_Serve = TypeVar("_Serve", bound=Callable[..., Any])


def served(
    *,
    check_output: bool = True,
    on_disconnect: OnDisconnect | None = None,
    max_runs: int | None = None,
    max_queue: int | None = None,
    session_affinity: bool = False,
) -> Callable[[_Serve], _Serve]:
    """Decide how a program is served: a decorator for `serve`, or for the `__call__` of an object's class.

    `check_output=False` leaves it to the program whether its answer fits the `response_format` that a client asked for.
    `on_disconnect` says what becomes of a run whose client leaves: `"cancel"` ends it, `"finish"` lets it go on, and
    `"detach"` keeps what it says, too, to be found again.
    Of this program, `max_runs` run at once, while `max_queue` wait; None leaves either to the server.
    `session_affinity` wants the turns of a conversation on one replica, where there are several: a wish, for what is
    quicker there, since a replica may be full, or gone. `ValueError` for anything else.
    """
    if on_disconnect not in (None, *get_args(OnDisconnect)):
        raise ValueError(f"on_disconnect is one of {', '.join(get_args(OnDisconnect))}, not {on_disconnect!r}")
    if (max_runs is not None and max_runs < 1) or (max_queue is not None and max_queue < 0):
        raise ValueError("max_runs is a number from 1 on, and max_queue one from 0 on")
    traits = Traits(
        check_output=check_output,
        on_disconnect=on_disconnect,
        max_runs=max_runs,
        max_queue=max_queue,
        session_affinity=session_affinity,
    )

    def mark(serve: _Serve) -> _Serve:
        setattr(serve, _MARK, traits)
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
