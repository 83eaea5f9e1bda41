"""One HTTP request's life: read it, run its program, carry the answer out, and notice a client that leaves."""

import asyncio
import time
from collections.abc import Mapping, Sequence

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from mserve.errors import ClientError
from mserve.protocols.base import Asked, Envelope, Wire
from mserve.runs.choices import Batch, Choices, is_silent
from mserve.runs.failure import failure_of_client

from .body import ClientLeft, check_headers, read_body
from .gathering import Gathering
from .leaving import Watch
from .outflow import Offer, Outflow, offer_of
from .record import current
from .replies import Header, send_failure, send_json
from .service import Admitted, Service
from .wishes import HEADERS, wishes_of

CALLER = "mserve.caller"
"""Where a scope holds the name of the key that the client showed."""

STREAM_HEADERS: Sequence[Header] = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),  # nginx, and those who do as it does, would hold frames back
)


class PostEndpoint:
    """Where one protocol's requests are posted."""

    def __init__(self, service: Service, wire: Wire) -> None:
        self._service = service
        self._wire = wire

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = Headers(scope=scope)
        sent = dict(reversed(scope["headers"]))  # the first of each name
        record = current.get()
        record.endpoint = self._wire.PATH
        try:
            admitted = await self._admit(sent, receive)
            record.program = admitted.program.name
            accepted = asyncio.get_running_loop().time()
            wished = {} if HEADERS.isdisjoint(sent) else headers
            wishes = wishes_of(wished, admitted.program.traits, self._service.options)
            choices = self._service.start(admitted, wishes, headers, scope.get(CALLER))
        except ClientLeft:
            record.has_left = True
            return
        except ClientError as error:
            await send_failure(send, failure_of_client(error), self._wire.encode_error)
            return
        asked = admitted.asked.for_reply()
        envelope = Envelope(record.key, int(time.time()), asked.request.model or admitted.program.name)
        record.runs = choices.runs
        record.gaps = self._service.gaps_of(admitted.program)
        del admitted  # what the program does not keep of a long conversation, nobody keeps while it answers
        exchange = _Exchange(self._wire, envelope, asked, choices, send)
        watch = Watch(scope, receive, exchange.leave)
        try:
            if asked.request.stream:
                await exchange.stream(offer_of(scope), accepted + wishes.grace, wishes.ping, self._service.gathering())
            else:
                await exchange.whole()
        except OSError:
            record.has_left = True  # this host tells `send`
        finally:
            watch.end()
            exchange.close()

    async def _admit(self, sent: Mapping[bytes, bytes], receive: Receive) -> Admitted:
        max_body = self._service.options.limits.max_body
        check_headers(sent, max_body)
        return self._service.admit(self._wire, await read_body(receive, max_body))


class _Exchange:
    """A request whose run has started."""

    def __init__(self, wire: Wire, envelope: Envelope, asked: Asked, choices: Choices, send: Send) -> None:
        self._wire = wire
        self._envelope = envelope
        self._asked = asked
        self._choices = choices
        self._send = send
        self._record = current.get()
        self._left = False
        self._outflow: Outflow | None = None

    def leave(self) -> None:
        """Hear that the client leaves, whatever else is going on."""
        self._left = True
        self._choices.wake()
        if self._outflow is not None:
            self._outflow.leave()

    async def whole(self) -> None:
        """Answer with one body, and always the true status."""
        encoder = self._wire.whole(self._envelope, self._asked)
        while not self._is_over():
            batches = await self._choices.take()
            self._record.heard(batches)
            for number, events in batches:
                encoder.encode(number, events)
        if self._left:
            return
        if self._choices.failure is not None:
            await send_failure(self._send, self._choices.failure, self._wire.encode_error)
        else:
            await send_json(self._send, encoder.close(self._choices.ended_at))

    async def stream(self, offer: Offer, graceful: float, ping: float, gathering: Gathering) -> None:
        """Answer with frames. The status is the true one where the run fails before its first event, in time."""
        batches = await self._first(graceful)
        if self._choices.failure is not None and is_silent(batches):
            self._record.heard(batches)
            await send_failure(self._send, self._choices.failure, self._wire.encode_error)
        elif not self._left:
            encoder = self._wire.encoder(self._envelope, self._asked)
            self._outflow = Outflow(
                encoder, self._choices, self._record, send=self._send, offer=offer, ping=ping, gathering=gathering
            )
            await self._send({"type": "http.response.start", "status": 200, "headers": STREAM_HEADERS})
            await self._outflow.pour(batches)

    async def _first(self, until: float) -> list[Batch]:
        """Wait for the first event that a client can see, at most until a time of the loop's clock."""
        batches: list[Batch] = []
        loop = asyncio.get_running_loop()
        while is_silent(batches) and not self._is_over() and loop.time() < until:
            batches += await self._choices.take(until)
        return batches

    def close(self) -> None:
        """Listen no more, and note how it ended."""
        self._record.failure = self._choices.failure
        self._record.events = self._choices.taken
        self._record.has_left |= self._left and not self._record.is_complete
        self._choices.close()

    def _is_over(self) -> bool:
        return self._left or self._choices.ended
