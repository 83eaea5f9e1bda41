"""A program that runs on another replica, to an ingress a program as any other. Imports no user code."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

from msgspec import Struct
from ray.serve.handle import DeploymentHandle

from mserve.errors import ClientError
from mserve.events import Event, Failure, TextDelta
from mserve.program import SHORT, Call, Lifespan, Line, Traits

from .faults import told
from .wire import BEGUN, read_events, write_call


class RemoteProgram(Struct, frozen=True):
    """A `Program` whose runs are those of a deployment."""

    name: str
    declares: frozenset[str]
    traits: Traits
    handle: DeploymentHandle[Any]
    patience: float
    """Seconds that a run may wait for a replica that has room for it."""
    asker: str
    """The name of this replica among Ray's actors: when it dies, the run has nobody to answer."""
    sync: bool = False
    lifespan: Lifespan | None = None

    async def run(self, call: Call) -> AsyncGenerator[Event, None]:
        """Have a replica answer; see `Program.run`. Whoever closes this cancels the run there."""
        asked = write_call(call.request, call.headers, call.caller, self.asker)
        messages = self.handle.options(stream=True).run.remote(asked)
        try:
            message = await self._first(messages)
            while message is not None:
                for event in _events(message, call.line):
                    yield event
                message = await anext(messages, None)
        except Exception as error:
            if (fault := told(error, self.name)) is not None:
                raise fault from error
            raise
        finally:
            with suppress(Exception):  # where it has failed, this raises the same again
                messages.cancel()

    async def _first(self, messages: Any) -> bytes | None:
        """Wait for a replica's word that it has begun; `ClientError` where none does in time."""
        try:
            async with asyncio.timeout(self.patience):
                first: bytes | None = await anext(messages, None)
        except TimeoutError:
            raise ClientError(
                f"The server is busy: it was not your turn for {self.patience:g} s.", 503, "overloaded"
            ) from None
        return first


def _events(message: bytes, line: Line) -> list[Event]:
    """Give what is to be said of a message; plain text goes the short way, where it may."""
    events: list[Event] = []
    if message == BEGUN:
        return events
    texts, room = line.lend()
    for one in read_events(message):
        if isinstance(one, Failure):
            raise ClientError(one.message, one.status, one.code, one.param)
        if type(one) is not str:
            events.append(one)
        elif not events and room and 0 < len(one) <= SHORT and (line.flows or line.tell()):
            texts.append(one)
            room -= 1
        else:
            events.append(TextDelta(one))
    return events
