"""A program that runs on another replica, to an ingress a program as any other. Imports no user code."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from contextvars import Context
from typing import Any

from msgspec import Struct
from ray.serve.handle import DeploymentHandle

from mserve.errors import ClientError
from mserve.events import Event, Failure, TextDelta
from mserve.program import SHORT, Call, Lifespan, Line, Traits

from .faults import told
from .session import session_of
from .wire import BEGUN, read_events, write_call


class RemoteProgram(Struct, frozen=True):
    """A `Program` whose runs are those of a deployment."""

    name: str
    declares: frozenset[str]
    traits: Traits
    handle: DeploymentHandle[Any]
    patience: float
    """Seconds that a run may wait for a replica that has room for it."""
    sync: bool = False
    lifespan: Lifespan | None = None

    async def run(self, call: Call) -> AsyncGenerator[Event, None]:
        """Have a replica answer; see `Program.run`. Whoever closes this cancels the run there."""
        asked = write_call(call.request, call.headers, call.caller)
        session = session_of(call) if self.traits.session_affinity else ""
        # In no request's context: with a request Ray cancels all that it has asked for, and a run may outlive its own.
        messages = Context().run(self.handle.options(stream=True, session_id=session).run.remote, asked)
        try:
            message = await self._next(messages, self.patience)
            while message is not None:
                for event in _said(message, call.line):
                    if isinstance(event, Failure):
                        raise ClientError(event.message, event.status, event.code, event.param)
                    yield event
                message = await self._next(messages)
        finally:
            with suppress(Exception):  # where it has failed, this raises the same again
                messages.cancel()

    async def _next(self, messages: AsyncIterator[bytes], patience: float | None = None) -> bytes | None:
        """Wait for a replica's next message, None at the end; `ClientError` for what Ray says instead."""
        try:
            async with asyncio.timeout(patience):
                return await anext(messages, None)
        except TimeoutError:
            text = f"The server is busy: it was not your turn for {self.patience:g} s."
            raise ClientError(text, 503, "overloaded") from None
        except Exception as error:
            fault = told(error, self.name)
            if fault is None:
                raise
            raise fault from error


def _said(message: bytes, line: Line) -> list[Event | Failure]:
    """Give what is to be said of a message; plain text goes the short way, where it may."""
    events: list[Event | Failure] = []
    if message == BEGUN:
        return events
    texts, room = line.lend()
    for one in read_events(message):
        if type(one) is not str:
            events.append(one)
        elif not events and room and len(one) <= SHORT and (line.flows or line.tell()):
            texts.append(one)  # before it nothing waits to be said as an event
            room -= 1
        else:
            events.append(TextDelta(one))
    return events
