"""Reads what is kept of runs back into what protocols know: a request, an envelope, and the items of a conversation."""

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from mserve.errors import ClientError
from mserve.events import Failure, Said
from mserve.options import Limits
from mserve.protocols import chat_completions, completions, responses
from mserve.protocols.base import Asked, Envelope, Wire
from mserve.runs.choices import Batch
from mserve.runs.run import CANCELLED
from mserve.store.base import Status, Store, StoredRun
from mserve.store.codec import count as size_of
from mserve.store.codec import decode

Item = dict[str, Any]

WIRES: tuple[Wire, ...] = (chat_completions, completions, responses)
_WIRES: Mapping[str, Wire] = {wire.PATH: wire for wire in WIRES}
_ROWS = 1000
_LOST = Failure(503, "The end of the answer could not be kept.", "answer_lost")
_UNSAID: Mapping[Status, Failure] = {"failed": _LOST, "cancelled": CANCELLED}


def key_of(name: str) -> str:
    """Give the key of the run that a client knows by a response's id; "" for what is none."""
    return name.removeprefix(responses.PREFIX) if name.startswith(responses.PREFIX) else ""


def missing(name: str) -> ClientError:
    """Give the error of a response that is not there, or is somebody else's."""
    return ClientError(f"The response {name[:100]!r} does not exist.", 404, "not_found")


def envelope_of(run: StoredRun) -> Envelope:
    """Give what marks a run's reply."""
    return Envelope(run.key, run.created, run.model)


def asked_of(run: StoredRun, limits: Limits) -> Asked:
    """Read a run's request again, whichever protocol it came by."""
    return _WIRES[run.endpoint].decode(run.body, limits)


async def said_by(run: StoredRun, store: Store, limits: Limits) -> responses.WholeResponse:
    """Read all that a run has said by now, as a response."""
    whole = responses.whole(envelope_of(run), asked_of(run, limits).for_reply())
    first, last = 0, None
    while rows := await store.batches(run.key, first, _ROWS):
        for row in rows:
            for choice, events in decode(row.data):
                whole.encode(choice, events)
                last = events[-1]
        first = rows[-1].first + size_of(rows[-1].data)
    for choice, events in unsaid(run.status, last):
        whole.encode(choice, events)
    return whole


def unsaid(status: Status, last: Said | None) -> list[Batch]:
    """Give the failure of a run that ended by one, where its last event is another: it came to no more."""
    failure = None if isinstance(last, Failure) else _UNSAID.get(status)
    return [] if failure is None else [(0, [failure])]


def asked_items(run: StoredRun, limits: Limits) -> list[Item]:
    """Give what a run was asked, item by item, each with its id."""
    asked = asked_of(run, limits)
    items = responses.items_of(asked.runs[0].messages) if asked.keeping is None else asked.keeping.items
    return responses.listed(items, names(run.key))


def names(key: str) -> Iterator[str]:
    """Draw names for what a run was asked: who knows one finds the run."""
    return (f"{key}_i{number}" for number in count())
