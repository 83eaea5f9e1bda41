"""What Ray's proxy asks: the app of `mserve run`, whose programs are on replicas of their own. Runs no user code."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from msgspec import Struct
from ray import serve
from ray.serve.handle import DeploymentHandle

from mserve.options import Options
from mserve.program import Traits
from mserve.web.app import App

from .metering import Metering
from .plan import Logs
from .remote import RemoteProgram

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_ID = b"x-request-id"
_LOOK = 0.2
"""Seconds between two looks at whether all runs have ended."""


class Described(Struct, frozen=True, kw_only=True):
    """What an ingress has to know of a program that it cannot import."""

    name: str
    declares: frozenset[str]
    traits: Traits


class Ingress:
    """A replica that speaks every protocol. It opens no program: Ray opens those, each with its replica."""

    def __init__(
        self, described: Sequence[Described], handles: Sequence[DeploymentHandle[Any]], options: Options, logs: Logs
    ) -> None:
        logs.set_up()
        programs = [
            RemoteProgram(one.name, one.declares, one.traits, _own(handle), options.times.queue)
            for one, handle in zip(described, handles, strict=True)
        ]
        app = App(programs, options)
        self._door = Door(app)
        self._metering = Metering(app.counted)

    def __serve_build_asgi_app__(self) -> "Door":
        """Give what Ray's replica hands requests to; it is opened and closed by the lifespan messages."""
        return self._door


def _own(handle: DeploymentHandle[Any]) -> DeploymentHandle[Any]:
    """Give a handle that speaks as this process is told to: one that has travelled speaks as where it was made."""
    return serve.get_deployment_handle(handle.deployment_name, handle.app_name)


class Door:
    """The app, to Ray's proxy. That has named the request already, and tells its client so."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Be an ASGI app."""
        if scope["type"] == "lifespan":
            await self._app(scope, partial(self._patiently, receive), send)
            return

        async def forward(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [header for header in message["headers"] if header[0] != _ID]
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, forward)

    async def _patiently(self, receive: Receive) -> Message:
        """Give the next word of the lifespan; the last one once the runs have ended that no open request waits for."""
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            with suppress(TimeoutError):
                async with asyncio.timeout(self._app.times.shutdown):
                    while self._app.open_requests:  # noqa: ASYNC110  # Ray knows nothing of them
                        await asyncio.sleep(_LOOK)
        return message


Served = serve.ingress()(Ingress)
"""As Ray wants it."""
