"""One execution of a program: a task that owns it from its first step to its close, and writes its log."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Protocol

from mserve.errors import InvalidOutputError, ProgramError
from mserve.events import (
    Event,
    Failure,
    Finish,
    FinishReason,
    ReasoningDelta,
    TextDelta,
    Usage,
)
from mserve.options import OnDisconnect, Options
from mserve.program import Call, Program
from mserve.request import Request
from mserve.transcript import Order, total

from .admission import Turn
from .cancellation import Cancellation
from .deadline import Deadline
from .failure import failure_of
from .log import Log, Reader
from .pieces import pieces
from .stop import StopText
from .think import ThinkText
from .timers import Timer, Timers

log = logging.getLogger("mserve")

_LATE = 1.0
"""Seconds in which usage may follow a `Finish`; then the answer goes without it, however long the program cleans up."""

CANCELLED = Failure(503, "The run was cancelled before its answer was whole.", "cancelled")
"""How a run ends whose answer nobody wants."""

State = Callable[[], Awaitable[object]]
"""Gives what a program's lifespan opened, opening it where that is still to be done."""


class Judge(Protocol):
    """Compares an answer's text with what its client asked for."""

    async def read(self) -> None:
        """Read what was asked for; `ClientError` where it makes no sense."""
        ...

    async def __call__(self, text: str) -> str | None:
        """Say what is wrong with an answer, None where nothing is."""
        ...


class Run:
    """A program that answers one request. Its log ends with one `Finish` and its usage, or with one `Failure`.

    The program waits for its slowest reader. A run whose last reader leaves is cancelled. An answer that its judge
    finds wrong is a failure, and no answer.
    """

    def __init__(
        self,
        program: Program,
        request: Request,
        *,
        headers: Mapping[str, str],
        state: State | None,
        options: Options,
        turn: Turn,
        timers: Timers,
        on_end: "Callable[[Run], None]",
        caller: str | None = None,
        on_disconnect: OnDisconnect = "cancel",
        judge: Judge | None = None,
    ) -> None:
        self._program = program
        self._request = [request]  # until the program takes of it what it declares
        self._headers = headers
        self._caller = caller
        self._state = state
        self._shows = options.show_errors
        self._cancelled = Cancellation()
        self._order = Order()
        self._stop = StopText(request.stop) if request.stop else None
        # A text that is to be JSON has no room for thoughts.
        self._think = ThinkText() if options.reasoning == "think" and judge is None else None
        self._judge = judge
        self._is_plain = self._think is None and judge is None and not request.stop
        self._text: list[str] = []  # for the judge alone
        self.failure: Failure | None = None
        self.reason: FinishReason | None = None
        self.usage: Usage | None = None  # so far
        self._turn = turn
        self._on_end = on_end
        self._patience = options.times.queue
        self._most = options.limits.max_answer
        self._closing: Timer | None = None
        self.timers = timers
        self._log = Log(options.limits, timers.loop, self.cancel if on_disconnect == "cancel" else _go_on)
        self._deadline = Deadline(options.times, self._log.quiet_since, self._expire, timers)
        self._has_begun = False
        self.task = timers.loop.create_task(self._own(), name=f"mserve run of {program.name}")
        # A task that is cancelled before its first step never gets to the end of `_own`.
        self.task.add_done_callback(self._ended)

    def reader(self, ring: Callable[[], None], *, keeps: bool = False) -> Reader:
        """Follow the log, from the first event that it still holds; `ring` is called when there is something.

        Who `keeps` what it reads is nobody whom the run answers.
        """
        return self._log.reader(ring, keeps=keeps)

    def cancel(self) -> None:
        """End the program where it stands. Its code sees a `CancelledError`, a closing, or `cancelled`."""
        if not self._cancelled.is_set():
            self._cancelled.set()
            self._log.shut()
            self.task.cancel()

    def drop(self) -> None:
        """End the program, unless its answer is whole: then it may clean up in its own time."""
        if not self._order.finished:
            self.cancel()

    @property
    def is_cancelled(self) -> bool:
        """Tell whether nobody wants the answer any more."""
        return self._cancelled.is_set()

    def give_up(self) -> None:
        """Tell the readers of a cancelled run that it ended, though its program does not, and leave that behind."""
        log.warning("program %s does not end though its run was cancelled: it is left behind", self._program.name)
        self._fail(CANCELLED)
        self._log.close()
        self.task.cancel()

    async def _own(self) -> None:
        try:
            if self._turn.has_come or await self._may_begin():
                self._deadline.start()
                events = await self._program_events()
                try:
                    async for said in events:
                        if not await self._hear(said):
                            break
                finally:
                    await events.aclose()
                if not self._order.finished:
                    await self._finish(None)
        except asyncio.CancelledError as error:
            # It ends here: a task keeps one that leaves it, and by its traceback the run, which is not freed then.
            self._fail(CANCELLED if self._cancelled.is_set() else self._failure_of(error))
        except BaseException as error:  # noqa: BLE001  # even SystemExit ends its own run and nothing more
            self._fail(self._failure_of(error))
        self._end()

    def _end(self) -> None:
        """Let go of all, and then close the log: who reads the last event sees that it is the last, and counted."""
        self._deadline.stop()
        if self._closing is not None:
            self._closing.cancel()
        self._turn.end()
        self._on_end(self)
        self._log.close()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():  # before its first step
            self._fail(CANCELLED)
            self._end()

    async def _may_begin(self) -> bool:
        """Wait for this run's turn; False where it does not come in time."""
        has_come = await self._turn.wait(self._patience, self.timers)
        if not has_come:
            self._fail(
                Failure(503, f"The server is busy: it was not your turn for {self._patience:g} s.", "overloaded")
            )
        return has_come

    async def _program_events(self) -> AsyncGenerator[Event, None]:
        if self._judge is not None:
            await self._judge.read()
        return self._program.run(
            Call(
                request=self._request.pop(),
                cancelled=self._cancelled,
                headers=self._headers,
                caller=self._caller,
                state=None if self._state is None else await self._state(),
                line=self._log,
            )
        )

    async def _hear(self, said: Event) -> bool:
        """Write what the program said, as fast as it is read. False where the answer is to end by it."""
        for event in pieces(said):
            if self._say(event):
                if isinstance(event, Finish):
                    await self._finish(event)
                    self._closing = self.timers.at(self.timers.time() + _LATE, self._log.close)
                    continue
                if self._judge is None:  # one may take its time: the program is closed before
                    await self._finish(event)
                    self._log.close()
                return False
            if self._log.size > self._most:
                raise ProgramError(f"the answer is longer than {self._most} characters")
            if not self._has_begun:
                self._begin()
            if self._log.is_full:
                await self._log.room()
        return True

    def _begin(self) -> None:
        """Go on from the first word. Plain text needs no more of this from now on."""
        self._has_begun = True
        self._deadline.begun()
        if self._is_plain and not self._order.finished:
            self._log.open()

    def _say(self, event: Event) -> bool:
        """Write what the program said. True where the answer ends by it: at a `Finish`, or as the client wanted."""
        if self._cancelled.is_set():
            raise asyncio.CancelledError  # the program caught its own and went on
        self._order.admit(event)
        if isinstance(event, TextDelta):
            text, ends = (event, False) if self._stop is None else self._stop.feed(event)
            if text is not None:
                self._write_text(text)
            else:
                self._log.spoke()
            return ends
        if isinstance(event, Finish):
            return True
        if isinstance(event, Usage):
            self.usage = total(self.usage, event)
        if self._think is not None and isinstance(event, ReasoningDelta):
            self._release()  # the thought will stand behind it, in the same text
        self._write(event)
        return False

    def _release(self) -> None:
        """Write what was held back, since it might have become a stop sequence."""
        if self._stop is not None and (rest := self._stop.rest()) is not None:
            self._write_text(rest)

    def _write_text(self, event: TextDelta) -> None:
        if self._judge is not None:
            self._text.append(event.text)
        self._write(event)

    def _write(self, event: Event) -> None:
        if self._think is None:
            self._log.append(event)
        else:
            for said in self._think.feed(event):
                self._log.append(said)

    async def _finish(self, last: Event | None) -> None:
        """End the answer. One that breaks the client's rules for it is none: `InvalidOutputError`."""
        self._log.shut()
        self._release()
        reason = last.reason if isinstance(last, Finish) else None
        if self._judge is not None and self._order.answers(reason):
            wrong = await self._judge("".join(self._text))
            if wrong is not None:
                raise InvalidOutputError(wrong)
        for event in self._order.ending(reason):
            self._write(event)
            if isinstance(event, Finish):
                self.reason = event.reason

    def _fail(self, failure: Failure) -> None:
        """Write the failure that ends the log. An answer that was finished is whole, whatever happens afterwards."""
        if not self._order.finished and self.failure is None:
            self.failure = failure
            self._log.shut()
            self._log.append(failure)

    def _failure_of(self, error: BaseException) -> Failure:
        return failure_of(error, self._program.name, shows=self._shows)

    def _expire(self, failure: Failure) -> None:
        """End a program that takes too long: its client is told at once, however long it takes to close."""
        log.warning("program %s is cancelled: %s", self._program.name, failure.message)
        self._fail(failure)
        self._log.close()
        self.cancel()


def _go_on() -> None:
    """Let a run go on that nobody listens to."""
