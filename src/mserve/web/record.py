"""What is known of one request: who asked for what, how the answer went, why it ended. Never what anybody said."""

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from contextvars import ContextVar
from time import perf_counter

from msgspec import Struct
from starlette.types import Scope

from mserve.events import Failure, FinishReason, Usage
from mserve.request import Request
from mserve.runs.choices import Batch, is_silent
from mserve.runs.run import Run
from mserve.transcript import total

from .spread import Spread

_LONGEST_ADDRESS = 64
"""Characters of a client's address: a proxy that is trusted may pass on what a stranger wrote into a header."""
_SANE = re.compile(rb"[!-~]{1,128}")
"""A request's id that another gave, and that may stand in a header and in a log."""

KINDS = frozenset(
    {
        "answer_lost", "cancelled", "ending", "headers_too_large", "host_not_allowed", "idempotency_key_reused",
        "internal_error", "invalid_api_key", "invalid_http", "invalid_json", "invalid_output", "method_not_allowed",
        "model_not_found", "not_found", "origin_not_allowed", "overloaded", "previous_response_not_found",
        "program_error", "replica_died", "request_timeout", "request_too_large", "response_deleted",
        "response_not_complete", "starting", "store_disabled", "store_unavailable", "timeout", "too_many_connections",
        "too_many_streams", "unavailable", "unsupported_media_type", "worker_died",
    }
)  # fmt: skip
"""The codes of errors that are ours to say. Programs may say any other, and a label has no room for them all."""


class Record(Struct, kw_only=True, eq=False):
    """One request. Times are those of `time.perf_counter`."""

    key: str
    """What its reply is known by."""
    id: str
    """What logs, traces and its client know the request by: what that gave, else the key."""
    method: str | None
    """None, as the path is, of what was refused before it was a request."""
    path: str | None
    client: str | None
    """The address that it came from, where it has one."""
    started: float
    endpoint: str | None = None
    """Where the protocol of its answer is posted."""
    request: Request | None = None
    program: str | None = None
    caller: str | None = None
    runs: Sequence[Run] = ()
    gaps: Spread | None = None
    """Counts the times between two writes."""
    status: int | None = None
    bytes: int = 0
    """Of the answer's body."""
    events: int = 0
    first: float | None = None
    """When the first event came that a client can see."""
    last: float = 0.0
    ended: float = 0.0
    failure: Failure | None = None
    is_complete: bool = False
    has_left: bool = False

    def wrote(self, batches: Sequence[Batch]) -> None:
        """Note a write that carries events of a stream.

        Before the write, of which a slow reader may be the end. An error that comes first is no first event.
        """
        now = perf_counter()
        if self.first is None:
            self.first = None if is_silent(batches) else now
        elif self.gaps is not None:
            self.gaps.add(now - self.last)
        self.last = now

    def heard(self, batches: Sequence[Batch]) -> None:
        """Note events that are part of a whole reply."""
        if not is_silent(batches):
            self.last = perf_counter()
            self.first = self.first or self.last

    @property
    def model(self) -> str | None:
        """The model that was asked for, in the client's own words."""
        return None if self.request is None else self.request.model

    @property
    def is_stream(self) -> bool | None:
        """Whether the answer was to be a stream; None where no program was asked."""
        return None if self.request is None else bool(self.request.stream)

    @property
    def usage(self) -> Usage | None:
        """The tokens of all its runs, where they told any."""
        spent: Usage | None = None
        for run in self.runs:
            if run.usage is not None:
                spent = total(spent, run.usage)
        return spent

    @property
    def reasons(self) -> list[FinishReason]:
        """Why the choices ended that did."""
        return [run.reason for run in self.runs if run.reason is not None]

    @property
    def outcome(self) -> str:
        """How it ended: `finished`, `failed`, `client_left` or `refused`."""
        if self.has_left:
            return "client_left"
        if self.failure is None and (self.status or 500) < 400:
            return "finished"
        ours = self.failure is not None and self.failure.code == "internal_error"
        has_begun = self.status is None or self.status < 400
        return "failed" if self.runs or ours or has_begun else "refused"

    @property
    def end(self) -> str:
        """How it ended and why, as `finished:stop` or `failed:timeout`."""
        outcome = self.outcome
        if outcome == "client_left":
            return outcome
        if outcome == "finished":
            reasons = ",".join(dict.fromkeys(self.reasons))
            return f"{outcome}:{reasons}" if reasons else outcome
        code = self.failure.code if self.failure is not None else None
        return f"{outcome}:{code or self.status}"

    @property
    def kind(self) -> str | None:
        """Why it did not end as it should, in one of few words; None where it did."""
        outcome = self.outcome
        if outcome in ("client_left", "finished"):
            return None if outcome == "finished" else outcome
        if self.failure is not None and self.failure.code in KINDS:
            return self.failure.code
        status = (self.failure.status if self.failure is not None else self.status) or 500
        return "client_error" if status < 500 else "server_error"

    def rate(self, count: int) -> float | None:
        """Give how many of so many things came in a second, after the first; None where they came at once."""
        if count < 2 or self.first is None or self.last <= self.first:
            return None
        return (count - 1) / (self.last - self.first)


current: ContextVar[Record] = ContextVar("mserve request")
"""The request that this code answers: set in the request's task, in its runs, and on the threads of sync programs."""


_AT_ONCE = 64
_drawn: list[str] = []
with suppress(AttributeError):  # not every system has forks
    os.register_at_fork(after_in_child=_drawn.clear)


def new_key() -> str:
    """Draw what nobody else has, and nobody can guess who knows others: 128 bits, in hex."""
    try:
        return _drawn.pop()
    except IndexError:  # some at once: asking the system for each takes as long as reading a request
        more = os.urandom(16 * _AT_ONCE).hex()
        _drawn.extend(more[place : place + 32] for place in range(0, len(more), 32))
        return os.urandom(16).hex()


def id_of(scope: Scope, key: str) -> str:
    """Give a request's id. One without a sane id gets this key, which its program finds among the headers, too."""
    headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
    sent = dict(reversed(headers)).get(b"x-request-id")  # the first of them
    if sent is None or not _SANE.fullmatch(sent):
        others = headers if sent is None else [header for header in headers if header[0] != b"x-request-id"]
        sent = key.encode()
        scope["headers"] = [*others, (b"x-request-id", sent)]
    return sent.decode()


def record_of(scope: Scope) -> Record:
    """Begin a record."""
    client = scope.get("client")
    key = new_key()
    return Record(
        key=key,
        id=id_of(scope, key),
        method=scope["method"],
        path=scope["path"],
        client=client[0][:_LONGEST_ADDRESS] if client else None,
        started=perf_counter(),
    )
