"""Begins an answer that is kept: reads what came before it, notes it in the store, and runs it, or finds it run."""

import asyncio
import hashlib
from collections.abc import Mapping

from msgspec import Struct, structs

from mserve.errors import ClientError
from mserve.protocols import responses
from mserve.protocols.base import Asked, Envelope, Keeping, Wire
from mserve.protocols.responses.conversations import PREFIX
from mserve.runs.choices import Choices
from mserve.runs.run import Run
from mserve.store.base import Drop, StoredRun, StoreError
from mserve.web.service import Admitted, Service
from mserve.web.source import Source
from mserve.web.wishes import ON_DISCONNECT, Wishes

from .adding import Adding
from .followed import REFUSED, unavailable
from .keeper import Desk, Keeper
from .past import Past
from .recorder import Recorder
from .records import envelope_of, key_of, names

IDEMPOTENCY_KEY = b"idempotency-key"
_LONGEST_KEY = 255


class Post(Struct, frozen=True):
    """A request that was posted, and who did it."""

    wire: Wire
    body: bytes
    envelope: Envelope
    headers: Mapping[str, str]
    caller: str | None
    idempotency_key: str | None

    @property
    def owner(self) -> str:
        """Whose the answer is."""
        return self.caller or ""


class Recorded(Choices):
    """Runs that are kept while they are read."""

    must_settle = True

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(recorder.runs)
        self._recorder = recorder

    async def settle(self) -> None:
        """Return once all is written."""
        await self._recorder.settle()


class Begun(Struct, frozen=True):
    """An answer that is kept."""

    envelope: Envelope
    """Of the run that answers, which may be an earlier one."""
    source: Source


class Kept:
    """What is kept of a service's answers."""

    def __init__(self, service: Service, keeper: Keeper) -> None:
        self._service = service
        self._keeper = keeper

    def must_keep(self, asked: Asked, wishes: Wishes, idempotency_key: str | None) -> bool:
        """Tell whether an answer is to be kept; `ClientError` where it has to be and cannot."""
        keeping = asked.keeping
        if self._keeper.keeps:
            return idempotency_key is not None or wishes.on_disconnect == "detach" or bool(keeping and _keeps(keeping))
        needs = ON_DISCONNECT if wishes.on_disconnect == "detach" else _needs_store(keeping)
        if needs is not None:
            raise ClientError(
                f"{needs}: this server keeps nothing, it was started without a store.", 400, "store_disabled", needs
            )
        return False

    async def complete(self, admitted: Admitted, caller: str | None) -> Admitted:
        """Give a request with all that it means; `ClientError` where something of it is not there."""
        asked = admitted.asked
        if asked.keeping is None or not asked.keeping.looks_back:
            return admitted
        desk = await self._keeper.desk()
        try:
            asked = await Past(desk, caller or "", self._service.options.limits).complete(asked)
        except StoreError as error:
            raise unavailable() from error
        return structs.replace(admitted, asked=asked)

    async def begin(self, admitted: Admitted, wishes: Wishes, post: Post) -> Begun:
        """Note an answer and start its runs, or find those that a request of the same idempotency key has started.

        `ClientError` where too many runs wait, where the store fails, where something that the request means is not
        there, or where that other request was another one.
        """
        desk = await self._keeper.desk()
        run = _row(desk, admitted, post)
        try:
            found = await _noted(desk, run)
        except StoreError as error:
            raise unavailable() from error
        if found.key != run.key:
            return self._again(desk, found, run)
        try:
            admitted = await self.complete(admitted, post.caller)
            runs = self._start(admitted, wishes, post)
        except BaseException:
            await desk.forget(run.key)  # it never was: a retry may begin it
            raise
        recorder = desk.record(run.key, runs, _adding(run, admitted.asked, post.envelope))
        return Begun(post.envelope, Recorded(recorder))

    def _again(self, desk: Desk, found: StoredRun, wanted: StoredRun) -> Begun:
        if found.fingerprint != wanted.fingerprint:
            raise ClientError(
                "The Idempotency-Key was used for another request.", 409, "idempotency_key_reused", "Idempotency-Key"
            )
        return Begun(envelope_of(found), desk.follow(found.key, REFUSED))

    def _start(self, admitted: Admitted, wishes: Wishes, post: Post) -> list[Run]:
        keeping = admitted.asked.keeping
        goes_on = (keeping is not None and keeping.background) or (
            post.idempotency_key is not None and not wishes.is_explicit
        )
        if goes_on:
            wishes = structs.replace(wishes, on_disconnect="detach")
        return self._service.run(admitted, wishes, post.headers, post.caller)


async def _noted(desk: Desk, run: StoredRun) -> StoredRun:
    """Keep a new run, or give the one that has its idempotency key."""
    if run.idempotency_key is None:
        await desk.writer.begin(run)
        return run
    beginning = asyncio.ensure_future(desk.store.begin(run))
    try:
        return await asyncio.shield(beginning)
    except BaseException:
        # It may be kept all the same, sooner or later, and nobody runs it.
        if beginning.done():
            desk.writer.put([Drop(run.key)])
        else:
            beginning.add_done_callback(lambda _: desk.writer.put([Drop(run.key)]))
        raise


def _needs_store(keeping: Keeping | None) -> str | None:
    """Give the parameter of a request that only a store can obey."""
    if keeping is None:
        return None
    wanted = {
        "background": keeping.background,
        "previous_response_id": keeping.previous,
        "conversation": keeping.conversation,
        "input": keeping.references,
    }
    return next((name for name, value in wanted.items() if value), None)


def _keeps(keeping: Keeping) -> bool:
    return keeping.store or keeping.conversation is not None


def _row(desk: Desk, admitted: Admitted, post: Post) -> StoredRun:
    keeping = admitted.asked.keeping
    fingerprint = None
    if post.idempotency_key is not None:
        fingerprint = hashlib.sha256(b"%b\0%b" % (post.wire.PATH.encode(), post.body)).digest()
    return StoredRun(
        key=post.envelope.key,
        owner=post.owner,
        endpoint=post.wire.PATH,
        program=admitted.program.name,
        model=post.envelope.model,
        created=post.envelope.created,
        body=post.body,
        worker=desk.worker.name,
        previous=key_of(keeping.previous) if keeping is not None and keeping.previous is not None else None,
        conversation=_conversation(keeping),
        idempotency_key=post.idempotency_key,
        fingerprint=fingerprint,
    )


def _conversation(keeping: Keeping | None) -> str | None:
    return keeping.conversation.removeprefix(PREFIX) if keeping is not None and keeping.conversation else None


def _adding(run: StoredRun, asked: Asked, envelope: Envelope) -> Adding | None:
    if run.conversation is None or asked.keeping is None:
        return None
    items = responses.listed(asked.keeping.items, names(run.key))
    return Adding(run.conversation, items, envelope, asked.for_reply())


def idempotency_key_of(key: bytes) -> str:
    """Read what marks a request that may be sent again; `ClientError` for what is no key."""
    if not (0 < len(key) <= _LONGEST_KEY and key.isascii() and key.decode().isprintable()):
        raise ClientError(
            f"Idempotency-Key: expected 1 to {_LONGEST_KEY} letters, digits and signs of ASCII.",
            param="Idempotency-Key",
        )
    return key.decode()
