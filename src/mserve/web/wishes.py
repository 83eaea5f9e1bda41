"""What a client, a program's author and the operator decide about one exchange: the first of them who did, wins."""

import math
from collections.abc import Mapping
from typing import get_args

from msgspec import Struct

from mserve.errors import ClientError
from mserve.options import OnDisconnect, Options
from mserve.program import Traits

ON_DISCONNECT = "x-mserve-on-disconnect"
GRACE = "x-mserve-grace-period"
PING = "x-mserve-ping-interval"
HEADERS = frozenset(name.encode() for name in (ON_DISCONNECT, GRACE, PING))
"""All headers that are read here, as hosts spell them."""

_LEAST_PING = 0.1


class Wishes(Struct, frozen=True):
    """How one exchange is to go."""

    on_disconnect: OnDisconnect
    grace: float
    ping: float
    is_explicit: bool = False
    """Whether the client itself said what becomes of its run."""


def wishes_of(headers: Mapping[str, str], traits: Traits, options: Options) -> Wishes:
    """Read a request's headers; `ClientError` for one that makes no sense."""
    said = _policy(headers.get(ON_DISCONNECT))
    return Wishes(
        said or traits.on_disconnect or options.on_disconnect,
        _seconds(headers, GRACE, 0.0, options.times.grace),
        ping_of(headers, options),
        said is not None,
    )


def ping_of(headers: Mapping[str, str], options: Options) -> float:
    """Read after how many seconds of silence a stream gets a comment; `ClientError` for what makes no sense."""
    return _seconds(headers, PING, _LEAST_PING, options.times.ping)


def _policy(said: str | None) -> OnDisconnect | None:
    if said is None or said in get_args(OnDisconnect):
        return said  # type: ignore[return-value]  # narrowed by the set
    raise ClientError(f"{ON_DISCONNECT}: expected one of {', '.join(get_args(OnDisconnect))}.", param=ON_DISCONNECT)


def _seconds(headers: Mapping[str, str], name: str, least: float, otherwise: float) -> float:
    said = headers.get(name)
    if said is None:
        return otherwise
    try:
        seconds = float(said)
    except ValueError:
        seconds = math.nan
    if not least <= seconds < math.inf:
        raise ClientError(f"{name}: expected a number of seconds, {least:g} or more.", param=name)
    return seconds
