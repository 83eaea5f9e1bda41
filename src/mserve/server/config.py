"""What a server can be told: one value, the same from flags, environment, `pyproject.toml` and Python."""

import re
from dataclasses import dataclass, field
from typing import Literal

from mserve.errors import StartupError
from mserve.options import MIB, Limits, OnDisconnect, Options, ReasoningFormat, Times
from mserve.store.opening import default_url

from .access import check_reach, key_lines, own_names
from .logs import LogFormat
from .ranges import RANGES, check_ranges

LogLevel = Literal["critical", "error", "warning", "info", "debug", "trace"]

_ORIGIN = re.compile(r"\*|(?!http:.*:80$|https:.*:443$)[a-z][a-z0-9+.-]*://[a-z0-9._:\[\]-]+")
"""What a browser can say of a page: any other spelling would match none, and nobody would be told."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to serve.

    Attributes
    ----------
    host
        The address to listen on; 127.0.0.1 is this machine alone.
    port
        The port to listen on; 0 takes a free one.
    uds
        A UNIX socket to listen on, instead of host and port.
    workers
        How many processes serve, on one address; what may be open or run at once is divided among them.
    worker_timeout
        Seconds that a worker's event loop may be blocked; then another process takes its place.
    log_level
        How much is logged.
    access_log
        Log a line for each request.
    log_format
        How logs look: lines of text, the same with tracebacks in brief, or JSON objects.
    metrics
        Count what happens, for Prometheus to read at /metrics.
    playground
        Have a page at / that talks to what is served, and shows what a client sees.
    show_errors
        Tell clients what a program raised, and at which line. By default only mserve dev does, on this machine alone.
    block_warning
        Seconds after which a warning says which code blocks the event loop; 0 for never.
    root_path
        The path that a proxy strips before it hands requests on.
    proxy_headers
        Believe the X-Forwarded headers of trusted proxies.
    forwarded_allow_ips
        The trusted proxies, by address, separated by commas; * for all.
    api_key
        A key that lets in who shows it, as KEY or NAME:KEY; better in MSERVE_API_KEY, which no list of processes shows.
    api_key_file
        A file of keys, a line for each as `mserve key NAME` gives it; read again whenever it changes.
    auth
        Without keys, listen on this machine alone; --no-auth lets in everybody who can reach the address.
    allowed_hosts
        A further name that requests may call the server by; * for any.
    allowed_origins
        The origins whose web pages may call, such as https://chat.example; * for all.
    ssl_certfile
        The certificate to speak TLS with, in PEM.
    ssl_keyfile
        The certificate's key, where it lies in a file of its own.
    ssl_keyfile_password
        What opens the key, where it is locked; better in MSERVE_SSL_KEYFILE_PASSWORD.
    alias
        A further name of a program, as NAME=PROGRAM: clients may write either.
    strict_model
        Refuse every model's name but the programs' own, with one program, too.
    reasoning_format
        Where clients find reasoning: in fields of its own, or in the text, between tags called think.
    max_n
        How many answers one request may ask for, by n or by several prompts.
    max_body
        The largest request body, in bytes.
    max_messages
        The most messages of a conversation.
    max_depth
        How deep objects and arrays may lie in one another, in a request's body.
    max_values
        The most values of a request's body, those in objects and arrays too.
    max_answer
        The most characters of an answer; a program that says more fails.
    max_runs
        Runs at once, of all programs; further ones wait for their turn.
    max_queue
        Runs that may wait; further ones are refused at once.
    max_threads
        Runs of sync programs at once: each has a thread of its own.
    queue_timeout
        Seconds that a run waits for its turn at most.
    first_event_timeout
        Seconds that a program gets to begin its answer.
    event_timeout
        Seconds that a program may be silent, once it has begun.
    run_timeout
        Seconds that a program gets in all.
    judge_timeout
        Seconds for comparing an answer with the client's schema.
    on_disconnect
        What becomes of a run whose client leaves: cancel ends it, finish lets it go on, detach keeps its answer, too.
    store
        Where runs are kept that are to be found again: sqlite:///path, postgresql://user@host/database, or none; a file
        among the user's data unless said otherwise.
    store_ttl
        Seconds that a run is kept for, once it has ended.
    store_size
        Bytes that kept runs may have together; the oldest go first.
    grace_period
        Seconds in which a failure before the first token still gets a true HTTP status.
    ping_interval
        Seconds of silence after which a stream gets a comment.
    gather_interval
        Seconds after a write of a stream in which further tokens wait to be sent together; 0 sends each at once.
    shutdown_timeout
        Seconds that open requests get to end, once the server stops.
    close_timeout
        Seconds that programs and lifespans get to close after that; then the process ends all the same.
    drain_delay
        Seconds in which a server that stops still takes requests, and says that it is not ready for more.
    max_header_size
        The largest head of a request, in bytes.
    header_timeout
        Seconds that a request's head may take.
    body_timeout
        Seconds that may pass without a byte of a request's body.
    timeout_keep_alive
        Seconds that a connection may stay open between two requests.
    limit_connections
        How many connections may be open.

    """

    host: str = "127.0.0.1"
    port: int = 8000
    uds: str | None = None
    workers: int = 1
    worker_timeout: float = 30.0
    log_level: LogLevel = "info"
    access_log: bool = True
    log_format: LogFormat = "text"
    metrics: bool = True
    playground: bool = True
    show_errors: bool | None = None
    block_warning: float = 0.5
    root_path: str = ""
    proxy_headers: bool = True
    forwarded_allow_ips: str = "127.0.0.1"
    api_key: tuple[str, ...] = field(default=(), repr=False)
    api_key_file: str | None = None
    auth: bool = True
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None
    ssl_keyfile_password: str | None = field(default=None, repr=False)
    alias: tuple[str, ...] = ()
    strict_model: bool = False
    reasoning_format: ReasoningFormat = "fields"
    max_n: int = 16
    max_body: int = 32 * MIB
    max_messages: int = 10_000
    max_depth: int = 128
    max_values: int = 500_000
    max_answer: int = 128 * MIB
    max_runs: int = 1000
    max_queue: int = 1000
    max_threads: int = 128
    queue_timeout: float = 60.0
    first_event_timeout: float = 600.0
    event_timeout: float = 600.0
    run_timeout: float = 21600.0
    judge_timeout: float = 5.0
    on_disconnect: OnDisconnect = "cancel"
    store: str | None = field(default=None, repr=False)
    store_ttl: float = 2592000.0
    store_size: int = 1024 * MIB
    grace_period: float = 10.0
    ping_interval: float = 15.0
    gather_interval: float = 0.001
    shutdown_timeout: int = 5
    close_timeout: float = 10.0
    drain_delay: float = 0.0
    max_header_size: int = 64 * 1024
    header_timeout: float = 10.0
    body_timeout: float = 30.0
    timeout_keep_alive: int = 5
    limit_connections: int = 10_000

    def options(self) -> Options:
        """Give what the app is told; `StartupError` for a number or an origin that makes no sense."""
        check_ranges(self, RANGES)
        for origin in self.allowed_origins:
            if not _ORIGIN.fullmatch(origin):
                raise StartupError(
                    "--allowed-origins takes * or origins as browsers send them, such as https://chat.example or "
                    f"http://localhost:3000, each by itself, not {origin!r}"
                )
        keyed, uds = bool(self.api_key) or self.api_key_file is not None, self.uds is not None
        check_reach(self.host, uds=uds, auth=self.auth, keyed=keyed)
        return Options(
            limits=self._limits(),
            times=self._times(),
            on_disconnect=self.on_disconnect,
            store=_store(self.store),
            store_ttl=self.store_ttl,
            store_size=self.store_size,
            aliases=_aliases(self.alias),
            strict_model=self.strict_model,
            reasoning=self.reasoning_format,
            metrics=self.metrics,
            playground=self.playground,
            show_errors=bool(self.show_errors),
            allowed_origins=self.allowed_origins,
            api_keys=key_lines(self.api_key),
            api_key_file=self.api_key_file,
            allowed_hosts=own_names(self.host, self.allowed_hosts, uds=uds, keyed=keyed),
        )

    def _limits(self) -> Limits:
        return Limits(
            max_body=self.max_body,
            max_messages=self.max_messages,
            max_depth=self.max_depth,
            max_values=self.max_values,
            max_answer=self.max_answer,
            runs=self.max_runs,
            queue=self.max_queue,
            threads=self.max_threads,
            choices=self.max_n,
        )

    def _times(self) -> Times:
        return Times(
            grace=self.grace_period,
            ping=self.ping_interval,
            gather=self.gather_interval,
            shutdown=self.shutdown_timeout,
            queue=self.queue_timeout,
            first_event=self.first_event_timeout,
            between_events=self.event_timeout,
            run=self.run_timeout,
            judging=self.judge_timeout,
        )


def _store(url: str | None) -> str | None:
    if url is None:
        return default_url()
    if url == "none":
        return None
    if not url.startswith(("sqlite:///", "postgresql://")):
        raise StartupError("--store takes sqlite:///path, postgresql://user@host/database or none")
    return url


def _aliases(given: tuple[str, ...]) -> dict[str, str]:
    aliases: dict[str, str] = {}
    for pair in given:
        alias, _, program = pair.partition("=")
        if not (alias and program):
            raise StartupError(f"--alias takes a name and a program's name, as in --alias gpt-4o=hello, not {pair!r}")
        if alias in aliases:
            raise StartupError(f"--alias gives the name {alias!r} twice")
        aliases[alias] = program
    return aliases
