"""What a store of runs is to all who use one: its rows, and what can be asked of them. Knows no database."""

from collections.abc import Sequence
from typing import Any, Literal, Protocol

from msgspec import Struct

from mserve.errors import MserveError

Status = Literal["active", "completed", "failed", "cancelled"]


class StoreError(MserveError):
    """The store cannot be read or written: a full disk, a lost database. The text is for the operator."""


class StoredRun(Struct, frozen=True, kw_only=True):
    """What is known of a run besides what it says."""

    key: str
    """What its reply is known by, without a protocol's prefix."""
    owner: str
    """The name of the API key that made it; "" where callers have none. To all others it does not exist."""
    endpoint: str
    """Where its request was posted, which tells the protocol that reads the body."""
    program: str
    model: str
    """As the client wrote it."""
    created: int
    """Seconds since 1970."""
    body: bytes
    """The request, as the client sent it."""
    worker: str
    """The process that runs it."""
    previous: str | None = None
    """The key of the run whose conversation this one goes on with."""
    conversation: str | None = None
    """The conversation that it belongs to."""
    idempotency_key: str | None = None
    fingerprint: bytes | None = None
    """Of what the client sent with its idempotency key."""
    status: Status = "active"
    ended: int | None = None
    """Seconds since 1970; None as long as it is active."""


class Batch(Struct, frozen=True):
    """Some events of a run, in one row."""

    first: int
    """The number of the first of them; a run's events are numbered from 0, whatever their choice."""
    data: bytes
    """See `codec`."""


class Append(Struct, frozen=True):
    """Events to be written."""

    key: str
    batch: Batch


class StoredItem(Struct, frozen=True):
    """One item of a conversation, as clients see it."""

    id: str
    value: dict[str, Any]


class End(Struct, frozen=True):
    """A run's end, to be written with its last events, or after them."""

    key: str
    status: Status
    ended: int
    conversation: str | None = None
    """The one that the run adds to."""
    items: tuple[StoredItem, ...] = ()
    """What it adds."""


class Begin(Struct, frozen=True):
    """A new run, without an idempotency key, to be written before its events."""

    key: str
    run: StoredRun


class Drop(Struct, frozen=True):
    """A run that came to nothing before it began, to be forgotten."""

    key: str


Write = Begin | Append | End | Drop


class News(Struct, frozen=True):
    """How far a run is."""

    count: int
    """The number of its next event: so many are to be read."""
    status: Status
    ended: int | None


class Worker(Struct, frozen=True):
    """A process that runs programs."""

    name: str
    """Drawn at its start: no other process has ever had it."""
    host: str
    """Where its pid means something: a machine since it was booted, and a namespace of processes on it."""
    pid: int


class StoredConversation(Struct, frozen=True, kw_only=True):
    """A conversation that clients add to."""

    key: str
    owner: str
    created: int
    metadata: dict[str, str]


class Store(Protocol):
    """Runs, their events, and conversations. Every method may raise `StoreError`; then nothing of it was done."""

    async def open(self) -> None:
        """Connect, and make the tables where there are none."""
        ...

    async def close(self) -> None:
        """Let go of all connections."""
        ...

    async def begin(self, run: StoredRun) -> StoredRun:
        """Keep a new run. Where its owner has one of the same idempotency key, that one is given, and nothing kept."""
        ...

    async def write(self, writes: Sequence[Write]) -> set[str]:
        """Write all in one transaction. Give the keys of runs that are not active any more: of theirs nothing is."""
        ...

    async def run(self, key: str, owner: str | None) -> StoredRun | None:
        """Give an owner's run; None for the owner stands for the operator, who may see all."""
        ...

    async def history(self, key: str, owner: str, most_bytes: int) -> list[StoredRun]:
        """Give a run and all that it goes on from, the oldest first; where one is missing, only those behind it.

        The same where they are more than so many bytes.
        """
        ...

    async def batches(self, key: str, first: int, limit: int) -> list[Batch]:
        """Give a run's next batches, of which the first one may begin before `first`, where that is within it."""
        ...

    async def news(self, keys: Sequence[str]) -> dict[str, News]:
        """Tell how far some runs are; those that are not kept any more are left out."""
        ...

    async def delete(self, key: str, owner: str | None) -> bool:
        """Forget a run and its events; tell whether there was one."""
        ...

    async def ask_to_cancel(self, key: str) -> None:
        """Note that nobody wants an active run any more; its worker is told by `beat`."""
        ...

    async def beat(self, worker: Worker) -> list[str]:
        """Note that a worker lives. Give those of its runs that are to be cancelled, or that others have ended."""
        ...

    async def orphans(self, worker: Worker, silent: float) -> list[StoredRun]:
        """Give the active runs of other workers that are dead.

        Those are dead that have not beaten for some seconds, and those on this host whose process is gone.
        """
        ...

    async def runs(self, limit: int, *, status: Status | None = None) -> list[StoredRun]:
        """Give the newest runs of all owners, without their bodies."""
        ...

    async def prune(self, *, before: int | None = None, most_bytes: int | None = None) -> int:
        """Forget runs that ended before a time, and then the oldest until the rest is small enough; count them.

        Active runs stay, whatever their size. Conversations that nobody has touched since that time go with them.
        """
        ...

    async def make_conversation(self, conversation: StoredConversation, items: Sequence[StoredItem]) -> None:
        """Keep a new conversation."""
        ...

    async def conversation(self, key: str, owner: str) -> StoredConversation | None:
        """Give an owner's conversation."""
        ...

    async def update_conversation(self, key: str, owner: str, metadata: dict[str, str]) -> bool:
        """Replace what a client noted on a conversation; tell whether there is one."""
        ...

    async def delete_conversation(self, key: str, owner: str) -> bool:
        """Forget a conversation and its items, but none of its runs; tell whether there was one."""
        ...

    async def add_items(self, key: str, items: Sequence[StoredItem]) -> None:
        """Add to the end of a conversation. One that is gone takes nothing, and that is no error."""
        ...

    async def items(self, key: str) -> list[StoredItem]:
        """Give all items of a conversation, the oldest first."""
        ...

    async def delete_item(self, key: str, item: str) -> bool:
        """Take an item out of a conversation; tell whether it was there."""
        ...
