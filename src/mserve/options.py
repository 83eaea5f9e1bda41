"""Limits and times that the web layer, the runs and the server share: frozen values with their defaults."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

MIB = 1024 * 1024


class Limits(Struct, frozen=True, kw_only=True):
    """How much of a thing there may be."""

    max_body: int = 32 * MIB
    """Bytes of a request's body; a larger one is a 413."""
    max_messages: int = 10_000
    """Messages of a conversation."""
    max_depth: int = 128
    """Objects and arrays inside one another, in a request's body."""
    max_values: int = 500_000
    """Values in a request's body, those in objects and arrays too."""
    max_answer: int = 128 * MIB
    """Characters of an answer, and one for each of its events; a program that says more fails."""
    runs: int = 1000
    """Runs at once, of all programs; further ones wait."""
    queue: int = 1000
    """Runs that wait; further ones are a 429."""
    threads: int = 128
    """Runs of sync programs at once: each has a thread."""
    log_events: int = 256
    """Events that a program may be ahead of the slowest reader before it has to wait."""
    log_chars: int = 64 * 1024
    """The same, in their characters, and one for each event."""
    choices: int = 16
    """Runs that one request may start, by `n` or by several prompts."""


class Times(Struct, frozen=True, kw_only=True):
    """How long a thing may take, in seconds."""

    grace: float = 10.0
    """From the acceptance to the first event: a failure inside it still gets a true HTTP status."""
    ping: float = 15.0
    """The longest silence of a stream; then a comment is sent, so that no proxy takes it for dead."""
    gather: float = 0.001
    """After a write of a stream: what is said within it goes out together, in frames of its own."""
    shutdown: float = 5.0
    """What runs get to end, once the server stops."""
    queue: float = 60.0
    """What a run may wait for its turn."""
    first_event: float = 600.0
    """What a program gets to begin its answer."""
    between_events: float = 600.0
    """What a program may be silent, once it has begun."""
    run: float = 6 * 60 * 60.0
    """What a run gets in all, be somebody still waiting or not."""
    judging: float = 5.0
    """For comparing an answer with the client's schema."""


OnDisconnect = Literal["cancel", "finish", "detach"]
"""`detach`: it goes on, as with `finish`, and its answer is kept, to be found by its id."""
ReasoningFormat = Literal["fields", "think"]


class Options(Struct, frozen=True, kw_only=True):
    """All that an app can be told."""

    limits: Limits = Limits()
    times: Times = Times()
    aliases: Mapping[str, str] = {}
    """Further names of programs: by the name that clients may write, the program's own."""
    on_disconnect: OnDisconnect = "cancel"
    """What becomes of a run whose client leaves."""
    store: str | None = None
    """Where runs are kept that are to be found again, `sqlite:///path` or `postgresql://…`; None: none is."""
    store_ttl: float = 30 * 24 * 60 * 60.0
    """Seconds that a run is kept for, once it has ended."""
    store_size: int = 1024 * MIB
    """Bytes that all kept runs may have together; the oldest that have ended go first."""
    reasoning: ReasoningFormat = "fields"
    """Where clients find reasoning: in fields of its own, or in the text between `<think>` and `</think>`."""
    strict_model: bool = False
    """Whether a single program, too, answers to its own name alone."""
    metrics: bool = True
    """Whether things are counted, for Prometheus to read at `/metrics`."""
    playground: bool = True
    """Whether `/` is a page that talks to what is served."""
    show_errors: bool = False
    """Whether clients are told what a program raised, and where: for who writes it, and never for strangers."""
    allowed_origins: tuple[str, ...] = ()
    """Whose web pages may call, by origins as browsers send them (`https://chat.example`); `*` for all pages."""
    api_keys: tuple[str, ...] = ()
    """Who gets in, each as `NAME:HASH` with the SHA-256 of a key in hex; with neither these nor a file, everybody."""
    api_key_file: str | None = None
    """A file with a line of that kind for each further key, read again whenever it changes."""
    allowed_hosts: tuple[str, ...] = ()
    """The names that requests may call the server by; none for all, as long as another server sees to it."""
