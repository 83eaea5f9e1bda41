"""A stream on its way to its client: what is said goes out at once, and what follows closely goes out together."""

import asyncio
from collections.abc import Callable, Sequence
from contextvars import copy_context

from starlette.types import Scope, Send

from mserve.protocols.base import Encoder
from mserve.protocols.framing import PING
from mserve.runs.choices import Batch, Choices

from .record import Record

Offer = Callable[[bytes], bool]
"""Writes a piece of the body at once; False where `send` has to do it, and to wait for a slow reader."""

OFFER = "mserve.offer"
"""The extension of a scope, and its one entry, that holds a host's `Offer`; other hosts' answers go by `send` alone."""


def offer_of(scope: Scope) -> Offer:
    """Give what the host of a request offers."""
    offer: Offer = scope.get("extensions", {}).get(OFFER, {}).get(OFFER, _refuse)
    return offer


def _refuse(_frames: bytes) -> bool:
    return False


class Outflow:
    """The body of one stream. Its task wakes for what has to wait alone: callbacks send what can be sent at once."""

    __slots__ = (
        "_choices", "_context", "_encoder", "_error", "_gather", "_has_left", "_is_called", "_is_sending", "_loop",
        "_offer", "_ping", "_record", "_send", "_unsent", "_wrote",
    )  # fmt: skip

    def __init__(
        self,
        encoder: Encoder,
        choices: Choices,
        record: Record,
        *,
        send: Send,
        offer: Offer,
        ping: float,
        gather: float,
    ) -> None:
        """Make one; after `ping` seconds of silence a comment is sent, and within `gather` seconds one write."""
        self._encoder = encoder
        self._choices = choices
        self._record = record
        self._send = send
        self._offer = offer
        self._ping = ping
        self._gather = gather
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()
        self._wrote = 0.0  # when, by the loop's clock
        self._unsent = b""
        self._error: Exception | None = None
        self._is_called = False  # whether `_flush` is about to be called
        self._is_sending = False
        self._has_left = False

    async def pour(self, batches: Sequence[Batch]) -> None:
        """Send all, from the first events on, to the end; a comment comes first where nothing was said by now."""
        self._unsent = self._frames(batches) or PING
        self._choices.listen(self._hear)
        while not self._is_over():
            if self._unsent:
                await self._send_unsent()
                self._flush()  # what came meanwhile
            else:
                await self._wait()
        self._raise()
        if not self._has_left:
            await self._send({"type": "http.response.body", "body": self._unsent + self._encoder.close()})

    def leave(self) -> None:
        """Send no more: the client has left."""
        self._has_left = True
        self._choices.wake()

    async def _wait(self) -> None:
        """Wait for something that only this task can do; of a long silence, a comment is that."""
        await self._choices.wait(self._wrote + self._ping)
        if not self._unsent and self._loop.time() >= self._wrote + self._ping:
            self._unsent = PING

    async def _send_unsent(self) -> None:
        frames, self._unsent = self._unsent, b""
        self._is_sending = True
        await self._send({"type": "http.response.body", "body": frames, "more_body": True})
        self._is_sending = False
        self._wrote = self._loop.time()

    def _hear(self) -> None:
        """Hear of events, and send them: at once, unless something was sent a moment ago."""
        if self._is_called:
            if self._choices.closed:  # nothing more will come that could be waited for
                self._loop.call_soon(self._flush, context=self._context)
            return
        self._is_called = True
        if self._loop.time() < self._wrote + self._gather:
            self._loop.call_at(self._wrote + self._gather, self._flush, context=self._context)
        else:
            self._loop.call_soon(self._flush, context=self._context)

    def _flush(self) -> None:
        """Send what there is, if that needs no waiting: else the task does it."""
        self._is_called = False
        if self._is_sending or self._unsent or self._error is not None:
            return  # the task looks again afterwards, or is about to end
        try:
            frames = self._frames(self._choices.ready())
            if self._choices.ended or (frames and not self._offer(frames)):
                self._unsent = frames
                self._choices.wake()
            elif frames:
                self._record.bytes += len(frames)  # the others are counted where they are sent
                self._wrote = self._loop.time()
        except Exception as error:  # noqa: BLE001  # it is the task's: the loop would but log it, and the client wait
            self._error = error
            self._choices.wake()

    def _raise(self) -> None:
        """Raise what a callback met, and keep it no longer: by its traceback it holds this."""
        error, self._error = self._error, None
        if error is not None:
            try:
                raise error
            finally:
                del error

    def _frames(self, batches: Sequence[Batch]) -> bytes:
        if len(batches) == 1:  # nearly always
            number, events = batches[0]
            frames = self._encoder.encode(number, events)
        else:
            frames = b"".join([self._encoder.encode(number, events) for number, events in batches])
        if frames:
            self._record.wrote(batches)
        return frames

    def _is_over(self) -> bool:
        return self._has_left or self._error is not None or self._choices.ended
