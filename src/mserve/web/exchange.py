"""One answer's way to its client: carry it out as it is said, and notice a client that leaves."""

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from starlette.types import Receive, Scope, Send

from mserve.events import Failure
from mserve.protocols.base import Encoder
from mserve.runs.choices import Batch, is_silent

from .gathering import Gathering
from .leaving import Watch
from .outflow import Outflow, offer_of
from .record import current
from .replies import Header, send_failure, send_json
from .source import Source

EncodeError = Callable[[Failure], bytes]

STREAM_HEADERS: Sequence[Header] = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),  # nginx, and those who do as it does, would hold frames back
)


class Exchange:
    """A request that is being answered, by runs of its own or by what is kept of others.

    It is entered before its client is answered, sees a client that leaves for as long, and then reads no more.
    """

    def __init__(
        self,
        choices: Source,
        scope: Scope,
        receive: Receive,
        send: Send,
        encode_error: EncodeError,
        *,
        headers: Sequence[Header] = (),
    ) -> None:
        self._choices = choices
        self._scope = scope
        self._receive = receive
        self._send = send
        self._encode_error = encode_error
        self._headers = headers
        self._record = current.get()
        self._left = False
        self._outflow: Outflow | None = None

    def __enter__(self) -> Self:
        """Watch for the client to leave."""
        self._watch = Watch(self._scope, self._receive, self.leave)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _at: TracebackType | None
    ) -> bool:
        """Listen no more, and note how it ended; an `OSError` of the host's says that the client has left."""
        self._watch.end()
        has_left = isinstance(error, OSError)
        self._record.has_left |= has_left or (self._left and not self._record.is_complete)
        self._record.failure = self._choices.failure
        self._record.events = self._choices.taken
        self._choices.close()
        return has_left

    def leave(self) -> None:
        """Hear that the client leaves, whatever else is going on."""
        self._left = True
        self._choices.wake()
        if self._outflow is not None:
            self._outflow.leave()

    async def whole(self, encoder: Encoder) -> None:
        """Answer with one body, and always the true status."""
        while not self._is_over():
            batches = await self._choices.take()
            self._record.heard(batches)
            for number, events in batches:
                encoder.encode(number, events)
        if self._left:
            return
        if self._choices.must_settle:
            await self._choices.settle()
        if self._choices.failure is not None:
            await send_failure(self._send, self._choices.failure, self._encode_error, self._headers)
        else:
            await send_json(self._send, encoder.close(self._choices.ended_at), headers=self._headers)

    async def stream(self, encoder: Encoder, *, graceful: float, ping: float, gathering: Gathering) -> None:
        """Answer with frames. The status is the true one where the run fails before its first event, in time."""
        batches = await self._first(graceful)
        if self._choices.failure is not None and is_silent(batches):
            self._record.heard(batches)
            if self._choices.must_settle:
                await self._choices.settle()
            await send_failure(self._send, self._choices.failure, self._encode_error, self._headers)
        elif not self._left:
            offer = offer_of(self._scope)
            self._outflow = Outflow(
                encoder, self._choices, self._record, send=self._send, offer=offer, ping=ping, gathering=gathering
            )
            await self._send(
                {"type": "http.response.start", "status": 200, "headers": [*STREAM_HEADERS, *self._headers]}
            )
            await self._outflow.pour(batches)

    async def _first(self, until: float) -> list[Batch]:
        """Wait for the first event that a client can see, at most until a time of the loop's clock."""
        batches: list[Batch] = []
        loop = asyncio.get_running_loop()
        while is_silent(batches) and not self._is_over() and loop.time() < until:
            batches += await self._choices.take(until)
        return batches

    def _is_over(self) -> bool:
        return self._left or self._choices.ended
