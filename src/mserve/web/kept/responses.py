"""Answers for kept runs: what has become of them, their stream from any event on, and their end."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from functools import wraps

from starlette.datastructures import Headers, QueryParams
from starlette.types import Receive, Scope, Send

from mserve.errors import ClientError
from mserve.options import Options
from mserve.protocols import responses
from mserve.runs.failure import failure_of_client
from mserve.store.base import StoredRun, StoreError
from mserve.web.body import ClientLeft
from mserve.web.caller import owner_of
from mserve.web.exchange import Exchange
from mserve.web.gathering import Gathering
from mserve.web.record import current
from mserve.web.replies import send_failure, send_json
from mserve.web.wishes import ping_of

from .followed import unavailable
from .keeper import Desk, Keeper
from .records import asked_items, asked_of, envelope_of, key_of, missing, said_by

_PATIENCE = 5.0
"""Seconds that a client waits at most for the end of a run that it cancels."""

_LAST = 2**53 - 2
"""The number of the last event but one, if every client is to read it."""

Endpoint = Callable[[Scope, Receive, Send], Awaitable[None]]


class KeptResponses:
    """The endpoints of single responses. To all but who made one, it does not exist."""

    def __init__(self, keeper: Keeper, options: Options, gathering: Callable[[], Gathering]) -> None:
        self._keeper = keeper
        self._options = options
        self._gathering = gathering

    async def retrieve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Give a response as it is by now, or its stream behind some event."""
        desk, run = await self._find(scope)
        query = QueryParams(scope["query_string"])
        if _wants_stream(query):
            await self._stream(desk, run, scope, receive, send, after=_after(query, Headers(scope=scope)))
        else:
            await send_json(send, await self._body(desk, run))

    async def cancel(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """End a run that goes on, and give what it has said; of one that has ended, just that."""
        desk, run = await self._find(scope)
        await send_json(send, await self._body(desk, await self._end(desk, run)))

    async def delete(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Forget a response; a run that goes on is cancelled."""
        desk, run = await self._find(scope)
        await self._end(desk, run)
        await desk.store.delete(run.key, run.owner)
        await send_json(send, responses.encode_deleted(scope["path_params"]["response"], "response"))

    async def input_items(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """List what a run was asked."""
        _, run = await self._find(scope)
        page = responses.page_of(dict(QueryParams(scope["query_string"])))
        await send_json(send, responses.encode_items(asked_items(run, self._options.limits), page))

    async def _find(self, scope: Scope) -> tuple[Desk, StoredRun]:
        name = scope["path_params"]["response"]
        desk = await self._keeper.desk()
        run = await desk.store.run(key_of(name), owner_of(scope))
        if run is None:
            raise missing(name)
        return desk, run

    async def _body(self, desk: Desk, run: StoredRun) -> bytes:
        whole = await said_by(run, desk.store, self._options.limits)
        return whole.so_far() if run.ended is None else whole.close(run.ended)

    async def _end(self, desk: Desk, run: StoredRun) -> StoredRun:
        """Cancel a run, wherever it runs, and wait for its end."""
        if run.status != "active":
            return run
        if not desk.cancel(run.key):
            await desk.store.ask_to_cancel(run.key)
        try:
            await asyncio.wait_for(desk.newsroom.news(run.key, sys.maxsize), _PATIENCE)
        except TimeoutError:
            return run  # its program does not end
        return await desk.store.run(run.key, run.owner) or run

    async def _stream(
        self, desk: Desk, run: StoredRun, scope: Scope, receive: Receive, send: Send, *, after: int
    ) -> None:
        ping = ping_of(Headers(scope=scope), self._options)
        asked = asked_of(run, self._options.limits).for_reply()
        encoder = responses.encoder(envelope_of(run), asked, after)
        followed = desk.follow(run.key)
        with Exchange(followed, scope, receive, send, responses.encode_error) as exchange:
            await exchange.stream(encoder, graceful=0.0, ping=ping, gathering=self._gathering())


def told(endpoint: Endpoint, path: str) -> Endpoint:
    """Let an endpoint tell its errors to the client, and a store that fails as one that is not there at present."""

    @wraps(endpoint)
    async def telling(scope: Scope, receive: Receive, send: Send) -> None:
        current.get().endpoint = path
        try:
            await endpoint(scope, receive, send)
        except ClientLeft:
            current.get().has_left = True
        except ClientError as error:
            await send_failure(send, failure_of_client(error))
        except StoreError:
            await send_failure(send, failure_of_client(unavailable()))

    return telling


def _wants_stream(query: QueryParams) -> bool:
    sent = query.get("stream", "false")
    if sent not in ("true", "false"):
        raise ClientError("stream: expected true or false.", param="stream")
    return sent == "true"


def _after(query: QueryParams, headers: Headers) -> int:
    """Give the number of the last event that a client has; -1 for none."""
    sent = query.get("starting_after")
    name = "starting_after"
    if sent is None:
        sent, name = headers.get("last-event-id", "-1"), "Last-Event-ID"
    try:
        number = int(sent)
    except ValueError:
        number = -2
    if number < -1:
        raise ClientError(f"{name}: expected the number of an event.", param=name)
    return min(number, _LAST)
