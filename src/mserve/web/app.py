"""Assembles the ASGI app: which path is answered by what, and an answer in OpenAI's shape for all the others."""

import logging
from collections.abc import Sequence
from contextlib import suppress

from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from mserve.errors import ClientError, MserveError
from mserve.events import Failure
from mserve.options import Options, Times
from mserve.program import Lifespan, Program
from mserve.programs.load import Source
from mserve.programs.user import load
from mserve.protocols import models, openapi
from mserve.protocols.responses.endpoints import ENDPOINTS
from mserve.runs.failure import failure_of_client

from .cors import Cors
from .development import PATH as EVENTS_PATH
from .development import Development, Edit, Fault, no_events
from .documents import PAGE_PATH, Documents
from .families import Family
from .guard import OPEN_PATHS, Guard
from .health import Health
from .kept.begin import Kept
from .kept.keeper import Keeper, check_store
from .kept.records import WIRES
from .kept.routes import kept_routes
from .metrics import PATH as METRICS_PATH
from .metrics import Total
from .observe import Observed, Traced
from .playground import Playground
from .post import PostEndpoint
from .replies import send_failure, send_json
from .routing import Exact, Methods, NotFound
from .service import Service

log = logging.getLogger("mserve")


def create_app(
    *programs: Source,
    names: Sequence[str] = (),
    lifespan: Lifespan | None = None,
    options: Options = Options(),  # noqa: B008  # frozen
) -> "App":
    """Make an ASGI app that serves programs: file paths, `module:name`s or callables.

    `names` replace the programs' own, in order. `lifespan` is an async context manager function without arguments
    that opens what they share; a `lifespan()` in a program's own module comes first. It is opened by the host's
    lifespan, or at the first request where the host has none. Raises `LoadError` for what cannot be served, and
    `StartupError` for keys that cannot be read.
    """
    return App(load(*programs, names=tuple(names), lifespan=lifespan), options)


class App:
    """An ASGI app around some programs."""

    def __init__(self, programs: Sequence[Program], options: Options, *, develops: bool = False) -> None:
        """Make an app; `StartupError` where what is to be kept has no place.

        `develops`: the programs are being written, and pages are told what becomes of the next version.
        """
        check_store(programs, options)
        self._service = Service(programs, options)
        self._health = Health(self._service.lifespans)
        documents = Documents(WIRES, ENDPOINTS, playground=options.playground)
        self._keeper = Keeper(options)
        kept = Kept(self._service, self._keeper)
        posts = [Route(wire.PATH, Methods({"POST": PostEndpoint(self._service, wire, kept)})) for wire in WIRES]
        gets = [
            Route(models.PATH, Methods({"GET": self._models})),
            Route(f"{models.PATH}/{{model:path}}", Methods({"GET": self._model})),
            *(Route(path, Methods({"GET": self._health.ready})) for path in ("/health", "/health/ready")),
            Route("/health/live", Methods({"GET": self._health.live})),
            Route(openapi.PATH, Methods({"GET": documents.document})),
            Route(PAGE_PATH, Methods({"GET": documents.page})),
            *kept_routes(self._keeper, self._service),
        ]
        if self._service.metrics is not None:
            gets.append(Route(METRICS_PATH, Methods({"GET": self._service.metrics.page})))
        playground = Playground() if options.playground else None
        self._development = Development([one.name for one in programs], options.times.ping) if develops else None
        if playground is not None:
            gets.append(playground.route)
        if playground is not None or self._development is not None:
            events = no_events if self._development is None else self._development.events
            gets.append(Route(EVENTS_PATH, Methods({"GET": events})))
        not_found = NotFound([*posts, *gets])
        # Else no name at all would be a model's name, and a slash at the end a part of one.
        slashes = [Route(path, not_found) for path in (f"{models.PATH}/", f"{models.PATH}/{{model:path}}/")]
        routes = [*slashes, *posts, *gets]
        closed = [route for route in routes if route.path not in OPEN_PATHS]
        router = Router(closed, redirect_slashes=False, default=not_found)
        guard = Guard(Traced(Exact({route.path: route.app for route in posts}, router)), options, playground)
        # What is open is told by the router that answers it: no path can look open to one and closed to another.
        is_open = [route for route in routes if route.path in OPEN_PATHS]
        open_router = Router(is_open, redirect_slashes=False, default=guard)
        self._router = Exact({route.path: guard for route in posts}, open_router)
        # Around the errors, too: a page has to read why it was refused.
        readable: ASGIApp = Cors(self._route, options) if options.allowed_origins else self._route
        self.answer = Observed(readable, self._service.metrics)
        """The app for a host that opens and closes it by itself: no word of a lifespan may reach it."""

    @property
    def programs(self) -> Sequence[Program]:
        """What is served."""
        return tuple(self._service.programs.values())

    async def open(self) -> None:
        """Open what the programs share, as the host's lifespan does; `StartupError` where that fails."""
        await self._service.lifespans.open()
        self._keeper.begin()

    @property
    def times(self) -> Times:
        """How long things may take."""
        return self._service.options.times

    @property
    def open_requests(self) -> int:
        """How many runs go on that are not cancelled, be their clients there or not."""
        return self._service.runs.wanted

    def retire(self) -> None:
        """Say from now on that the app is not ready for more; it answers all the same."""
        self._health.is_ending = True
        if self._development is not None:
            self._development.end()

    def tell(self, said: Edit | Fault) -> None:
        """Tell pages what becomes of the programs' next version."""
        if self._development is not None:
            self._development.tell(said)

    async def end_runs(self) -> None:
        """End all runs; who still waits hears an error."""
        await self._service.runs.close()

    def lagged(self, seconds: float) -> None:
        """Note how late the event loop was, as whoever runs it sees it."""
        if self._service.metrics is not None:
            self._service.metrics.lagged(seconds)

    def count_as_one(self, total: Total) -> None:
        """Let `/metrics` tell what all processes have counted that are one server."""
        if self._service.metrics is not None:
            self._service.metrics.total = total

    def counted(self) -> tuple[Family, ...]:
        """Give what this process has counted."""
        return () if self._service.metrics is None else self._service.metrics.families()

    def refused(self, failure: Failure, client: str | None, scope: Scope | None) -> str:
        """Note what the host itself refuses: a client, or a request whose body it gave up. Give the answer's id."""
        return self.answer.refused(failure, client, scope)

    async def close(self) -> None:
        """End all runs and close what the programs share; `ShutdownError` where that fails."""
        self.retire()
        await self._service.runs.close()
        await self._keeper.close()
        await self._service.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Be an ASGI app."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await self.answer(scope, receive, send)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._router(scope, receive, send)
        except ClientError as error:
            await send_failure(send, failure_of_client(error))
        except Exception:
            # Ours, or a lifespan's: programs fail in their runs. Where an answer has begun, the host refuses another.
            log.exception("a request failed inside the server")
            with suppress(Exception):
                await send_failure(send, Failure(500, "The server failed to answer.", "internal_error"))

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self.open()
        except MserveError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        try:
            await self.close()
        except MserveError as error:
            await send({"type": "lifespan.shutdown.failed", "message": str(error)})
            return
        await send({"type": "lifespan.shutdown.complete"})

    async def _models(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send_json(send, models.encode_list(self._service.names, self._service.created))

    async def _model(self, scope: Scope, _receive: Receive, send: Send) -> None:
        name = scope["path_params"]["model"]
        self._service.choose(name)
        await send_json(send, models.encode_model(name, self._service.created))
