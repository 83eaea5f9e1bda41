"""One HTTP request's life: read it, run its program, carry the answer out, and notice a client that leaves."""

import asyncio
import time
import uuid
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from mserve.errors import ClientError
from mserve.events import Failure, RunEvent, Usage
from mserve.options import Times
from mserve.program import Program
from mserve.protocols.base import Envelope, Wire
from mserve.protocols.framing import PING
from mserve.request import Request
from mserve.runs.failure import failure_of_client
from mserve.runs.log import Reader
from mserve.transcript import Transcript

from .body import ClientLeft, check_headers, read_body
from .replies import Header, send_failure, send_json
from .service import Service

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
        try:
            request, program = await self._admit(headers, receive)
        except ClientLeft:
            return
        except ClientError as error:
            await send_failure(send, failure_of_client(error), self._wire.encode_error)
            return
        accepted = asyncio.get_running_loop().time()
        reader = self._service.start(program, request, headers).reader()
        envelope = Envelope(uuid.uuid4().hex, int(time.time()), request.model or program.name)
        exchange = _Exchange(self._wire, envelope, request, reader, send)
        watch = asyncio.create_task(exchange.watch(receive))
        try:
            if request.stream:
                await exchange.stream(self._service.options.times, accepted)
            else:
                await exchange.whole()
        except OSError:
            pass  # this host tells `send` that the client left
        finally:
            watch.cancel()
            reader.close()

    async def _admit(self, headers: Headers, receive: Receive) -> tuple[Request, Program]:
        max_body = self._service.options.limits.max_body
        check_headers(headers, max_body)
        return self._service.admit(self._wire, await read_body(receive, max_body))


class _Exchange:
    """A request whose run has started."""

    def __init__(self, wire: Wire, envelope: Envelope, request: Request, reader: Reader, send: Send) -> None:
        self._wire = wire
        self._envelope = envelope
        self._request = request
        self._reader = reader
        self._send = send
        self._left = False

    async def watch(self, receive: Receive) -> None:
        """Notice that the client leaves, whatever else is going on."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self._left = True
        self._reader.wake()

    async def whole(self) -> None:
        """Answer with one body, and always the true status."""
        transcript = Transcript()
        while not self._is_over():
            for event in await self._reader.take():
                transcript.add(event)
        if self._left:
            return
        if transcript.failure is not None:
            await send_failure(self._send, transcript.failure, self._wire.encode_error)
        else:
            await send_json(self._send, self._wire.encode_reply(self._envelope, transcript.reply()))

    async def stream(self, times: Times, accepted: float) -> None:
        """Answer with frames. The status is the true one where the run fails before its first event, in time."""
        events = await self._first(accepted + times.grace)
        if events and isinstance(events[-1], Failure) and _is_silent(events[:-1]):
            await send_failure(self._send, events[-1], self._wire.encode_error)
        elif not self._left:
            await self._send({"type": "http.response.start", "status": 200, "headers": STREAM_HEADERS})
            await self._pump(events, times.ping)

    async def _first(self, until: float) -> list[RunEvent]:
        """Wait for the first event that a client can see, at most until a time of the loop's clock."""
        events: list[RunEvent] = []
        loop = asyncio.get_running_loop()
        while _is_silent(events) and not self._is_over() and (left := until - loop.time()) > 0:
            events += await self._reader.take(left)
        return events

    async def _pump(self, events: list[RunEvent], ping: float) -> None:
        encoder = self._wire.encoder(self._envelope, self._request)
        clock = asyncio.get_running_loop().time
        due = clock()  # when the next comment is: at once, where nothing was said by now
        while not self._is_over():
            frames = encoder.encode(events)
            if not frames and clock() >= due:
                frames = PING
            if frames:
                await self._send({"type": "http.response.body", "body": frames, "more_body": True})
                due = clock() + ping
            events = await self._reader.take(due - clock())
        if not self._left:
            await self._send({"type": "http.response.body", "body": encoder.encode(events) + encoder.close()})

    def _is_over(self) -> bool:
        return self._left or self._reader.ended


def _is_silent(events: Sequence[RunEvent]) -> bool:
    """Tell whether nothing was said that a client can see: usage is told at the end."""
    return all(isinstance(event, Usage) for event in events)
