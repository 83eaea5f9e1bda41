"""A stream on its way to its client: what is said goes out at once, and what follows closely goes out together."""

from collections.abc import Callable, Sequence

from starlette.types import Scope, Send

from mserve.protocols.base import Encoder
from mserve.protocols.framing import PING
from mserve.runs.choices import Batch

from .extension import extension_of
from .gathering import Gathering
from .record import Record
from .source import Source

Offer = Callable[[bytes], bool]
"""Writes a piece of the body at once; False where `send` has to do it, and to wait for a slow reader."""

OFFER = "mserve.offer"
"""The extension of a scope, and its one entry, that holds a host's `Offer`; other hosts' answers go by `send` alone."""


def offer_of(scope: Scope) -> Offer:
    """Give what the host of a request offers."""
    return extension_of(scope, OFFER) or _refuse


def _refuse(_frames: bytes) -> bool:
    return False


class Outflow:
    """The body of one stream. Its task wakes for what has to wait alone: callbacks send what can be sent at once."""

    __slots__ = (
        "_choices", "_encoder", "_error", "_gathering", "_has_left", "_is_called", "_is_idle", "_offer", "_ping",
        "_record", "_send", "_time", "_unsent", "_wrote",
    )  # fmt: skip

    def __init__(
        self,
        encoder: Encoder,
        choices: Source,
        record: Record,
        *,
        send: Send,
        offer: Offer,
        ping: float,
        gathering: Gathering,
    ) -> None:
        """Make one; after `ping` seconds of silence a comment is sent."""
        self._encoder = encoder
        self._choices = choices
        self._record = record
        self._send = send
        self._offer = offer
        self._ping = ping
        self._gathering = gathering
        self._time = gathering.loop.time
        self._wrote = 0.0  # when, by the loop's clock
        self._unsent = b""
        self._error: Exception | None = None
        self._is_called = False  # whether `_flush` is about to be called
        self._is_idle = False  # whether the task waits
        self._has_left = False

    async def pour(self, batches: Sequence[Batch]) -> None:
        """Send all, from the first events on, to the end; a comment comes first where nothing is said yet."""
        self._unsent = self._encoder.open() + self._frames(batches) or PING
        self._choices.listen(self._hear)
        while not self._is_over():
            if self._unsent:
                await self._send_unsent()
            else:
                await self._wait()
        self._raise()
        if self._choices.must_settle and not self._has_left:
            await self._choices.settle()
        if not self._has_left:
            last = self._unsent + self._frames(self._choices.ready()) + self._encoder.close(self._choices.ended_at)
            await self._send({"type": "http.response.body", "body": last})

    def leave(self) -> None:
        """Send no more: the client has left."""
        self._has_left = True
        self._choices.wake()

    async def _wait(self) -> None:
        """Wait for something that only this task can do; of a long silence, a comment is that."""
        self._is_idle = True
        await self._choices.wait(self._wrote + self._ping)
        self._is_idle = False
        if not self._unsent and self._time() >= self._wrote + self._ping:
            self._unsent = PING

    async def _send_unsent(self) -> None:
        frames, self._unsent = self._unsent, b""
        await self._send({"type": "http.response.body", "body": frames, "more_body": True})
        self._wrote = self._time()
        self._unsent = self._frames(self._choices.ready())  # what came meanwhile

    def _hear(self) -> None:
        """Hear of events, and send them: at once, unless something was sent a moment ago."""
        if not self._is_called:
            self._is_called = True
            self._gathering.add(self._flush, self._wrote)

    def _flush(self) -> None:
        """Send what there is, if that needs no waiting, and the task has nothing to do: else it does this."""
        self._is_called = False
        if not self._is_idle:
            return
        try:
            frames = self._frames(self._choices.ready())
            if not frames:
                return
            if self._choices.failure is None and self._offer(frames):
                self._record.bytes += len(frames)  # the others are counted where they are sent
                self._wrote = self._time()
                return
            self._unsent = frames
        except Exception as error:  # noqa: BLE001  # it is the task's: the loop would but log it, and the client wait
            self._error = error
        self._is_idle = False
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
        return self._has_left or self._error is not None or self._choices.closed or self._choices.failure is not None
