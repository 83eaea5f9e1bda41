"""Stands around the whole app: gives each request its id, and tells log, metrics and traces how it ended."""

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable
from importlib.util import find_spec
from time import perf_counter
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mserve.events import Failure
from mserve.protocols.base import encode_error

from .caller import CALLER
from .lines import AccessLine
from .metrics import Metrics
from .record import Record, current, id_of, new_key, record_of

if TYPE_CHECKING:
    from .telemetry import Telemetry

log = logging.getLogger("mserve.access")

REFUSAL = "mserve.refusal"
"""Where a scope holds what the host answered in the app's place, and then closed the connection."""

_CANCELLED = Failure(503, "The host cancelled the request.", "cancelled")


class Observed:
    """An app whose requests are seen: each has an id, and is told of when it ends."""

    def __init__(self, app: ASGIApp, metrics: Metrics | None) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Be an ASGI app."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        record = record_of(scope)
        token = current.set(record)
        try:
            with _End(record, scope):
                await self._app(scope, receive, _noting(send, record))
        finally:
            current.reset(token)
            self._tell(record)
            # The context of a run that goes on holds the record, which shall not hold the run.
            record.request, record.runs = None, ()

    def refused(self, failure: Failure, client: str | None, scope: Scope | None) -> str:
        """Note what the host itself refuses, and give its id. A request that the app knows is told of when it ends."""
        if scope is not None:
            scope[REFUSAL] = failure
            return id_of(scope, new_key())
        now, key = perf_counter(), new_key()
        record = Record(key=key, id=key, method=None, path=None, client=client, started=now, ended=now)
        _refuse(record, failure)
        self._tell(record)
        return record.id

    def _tell(self, record: Record) -> None:
        if self._metrics is not None:
            self._metrics.ended(record)
        if log.isEnabledFor(logging.INFO):
            log.info(AccessLine(record))


def _refuse(record: Record, failure: Failure) -> None:
    record.failure, record.status, record.bytes = failure, failure.status, len(encode_error(failure))
    record.has_left = False


class Traced:
    """An app whose requests are spans. Stands behind whoever refuses strangers: they shall not write into traces."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._telemetry = telemetry() if _may_be_set_up() else None

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Be an ASGI app."""
        record = current.get(None)  # none of a websocket
        if self._telemetry is None and _is_imported():  # by whoever set it up late, such as a lifespan
            self._telemetry = telemetry()
        if self._telemetry is None or record is None or record.method != "POST":
            return self._app(scope, receive, send)
        return self._trace(self._telemetry, record, scope, receive, send)

    async def _trace(self, telemetry: "Telemetry", record: Record, scope: Scope, receive: Receive, send: Send) -> None:
        trace = telemetry.begin(record, scope)
        try:
            with _End(record, scope):
                await self._app(scope, receive, send)
        finally:
            if trace is not None:
                trace.end(record)


class _End:
    """Notes how and when what it surrounds has ended."""

    __slots__ = ("_record", "_scope")

    def __init__(self, record: Record, scope: Scope) -> None:
        self._record = record
        self._scope = scope

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        record = self._record
        if isinstance(error, asyncio.CancelledError):
            record.failure = record.failure or _CANCELLED
        record.ended = perf_counter()
        record.caller = self._scope.get(CALLER)
        if (refusal := self._scope.get(REFUSAL)) is not None:
            _refuse(record, refusal)


def _noting(send: Send, record: Record) -> Send:
    """Give a `send` that marks the answer with its id, and measures it."""
    has_body = record.method != "HEAD"

    def noted(message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.body":
            if has_body:
                record.bytes += len(message.get("body", b""))
            record.is_complete = not message.get("more_body", False)
        else:
            record.status = message["status"]
            headers = [*message.get("headers", ()), (b"x-request-id", record.id.encode())]
            message = {**message, "headers": headers}
        return send(message)

    return noted


def telemetry() -> "Telemetry":
    """Give what speaks to OpenTelemetry."""
    from .telemetry import Telemetry  # noqa: PLC0415  # an extra, and slow to import

    return Telemetry()


def set_up_telemetry() -> None:
    """Set OpenTelemetry up where it is installed and its variables ask for it; `StartupError` where that fails."""
    if _may_be_set_up():
        from .telemetry import set_up  # noqa: PLC0415  # an extra, and slow to import

        set_up()


def _may_be_set_up() -> bool:
    """Tell whether anybody wants anything of it: most servers that could have it have no use for it."""
    return _is_imported() or (_is_named() and find_spec("opentelemetry") is not None)


def _is_imported() -> bool:
    return "opentelemetry.trace" in sys.modules or "opentelemetry.metrics" in sys.modules


def _is_named() -> bool:
    return any(name.startswith("OTEL_") for name in os.environ)
