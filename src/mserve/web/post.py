"""One posted request's life: read it, run its program, have the answer carried out."""

import asyncio
import time
from collections.abc import Sequence

from msgspec import Struct, structs
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from mserve.errors import ClientError
from mserve.protocols import responses
from mserve.protocols.base import Asked, Envelope, Wire
from mserve.runs.failure import failure_of_client

from .body import ClientLeft, check_headers, read_body
from .caller import CALLER
from .exchange import Exchange
from .kept.begin import IDEMPOTENCY_KEY, Kept, Post, idempotency_key_of
from .record import current
from .replies import Header, send_failure, send_json
from .service import Admitted, Service
from .source import Source
from .wishes import HEADERS, Wishes, wishes_of

RESPONSE_ID = b"x-mserve-response-id"
"""By which the answer of any protocol is found as a response, where it is kept."""


class _Started(Struct, frozen=True):
    """A request whose runs have started, or that finds them started."""

    asked: Asked
    envelope: Envelope
    source: Source
    wishes: Wishes
    accepted: float
    """By the loop's clock."""
    headers: Sequence[Header] = ()
    """Of the answer."""


class PostEndpoint:
    """Where one protocol's requests are posted."""

    def __init__(self, service: Service, wire: Wire, kept: Kept) -> None:
        self._service = service
        self._wire = wire
        self._kept = kept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        record = current.get()
        record.endpoint = self._wire.PATH
        try:
            started = await self._start(scope, receive)
        except ClientLeft:
            record.has_left = True
            return
        except ClientError as error:
            await send_failure(send, failure_of_client(error), self._wire.encode_error)
            return
        encode_error, headers = self._wire.encode_error, started.headers
        with Exchange(started.source, scope, receive, send, encode_error, headers=headers) as exchange:
            await self._answer(exchange, started, send)

    async def _answer(self, exchange: Exchange, started: _Started, send: Send) -> None:
        asked, envelope = started.asked, started.envelope
        is_background = asked.sent is not None and bool(asked.sent.get("background"))
        if asked.request.stream:
            encoder = self._wire.encoder(envelope, asked)
            # Who starts something in the background wants to know its id, and not how it begins.
            grace = 0.0 if is_background else started.wishes.grace
            await exchange.stream(
                encoder,
                graceful=started.accepted + grace,
                ping=started.wishes.ping,
                gathering=self._service.gathering(),
            )
        elif is_background:
            await send_json(send, responses.whole(envelope, asked).so_far())
        else:
            await exchange.whole(self._wire.whole(envelope, asked))

    async def _start(self, scope: Scope, receive: Receive) -> _Started:
        """Read a request and start its runs. What its program does not keep of it, nobody does while it answers."""
        record, options = current.get(), self._service.options
        headers = Headers(scope=scope)
        sent = dict(reversed(scope["headers"]))  # the first of each name
        check_headers(sent, options.limits.max_body)
        body = await read_body(receive, options.limits.max_body)
        admitted = self._service.admit(self._wire, body)
        record.program = admitted.program.name
        record.gaps = self._service.gaps_of(admitted.program)
        accepted = asyncio.get_running_loop().time()
        wishes = wishes_of({} if HEADERS.isdisjoint(sent) else headers, admitted.program.traits, options)
        envelope = Envelope(record.key, int(time.time()), admitted.asked.request.model or admitted.program.name)
        caller = scope.get(CALLER)
        again = idempotency_key_of(sent[IDEMPOTENCY_KEY]) if IDEMPOTENCY_KEY in sent else None
        if not self._kept.must_keep(admitted.asked, wishes, again):
            admitted = _unkept(await self._kept.complete(admitted, caller))
            source: Source = self._service.start(admitted, wishes, headers, caller)
            record.runs = source.runs
            return _Started(admitted.asked.for_reply(), envelope, source, wishes, accepted)
        post = Post(self._wire, body, envelope, headers, caller, again)
        begun = await self._kept.begin(admitted, wishes, post)
        record.runs = begun.source.runs
        found_by: Sequence[Header] = ()
        if self._wire is not responses:
            found_by = ((RESPONSE_ID, f"{responses.PREFIX}{begun.envelope.key}".encode()),)
        return _Started(admitted.asked.for_reply(), begun.envelope, begun.source, wishes, accepted, found_by)


def _unkept(admitted: Admitted) -> Admitted:
    """Say in an answer that can be kept that it is not."""
    asked = admitted.asked
    if asked.keeping is None:
        return admitted
    return structs.replace(admitted, asked=structs.replace(asked, sent={**asked.sent, "store": False}))
