"""Uvicorn's HTTP connection, with what it lacks: limits of size and time, and refusals in our shape.

With `cycle` and `scope` the only place that knows the inside of uvicorn's protocol: a test says which versions fit.
"""

import asyncio
from collections.abc import MutableMapping
from typing import Any, NoReturn, cast

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mserve.events import Failure
from mserve.web.leaving import LEAVING
from mserve.web.outflow import OFFER

from .alarm import Alarm
from .cycle import Cycle, Outlet
from .limits import Rules, Shared
from .refusal import NO_HTTP, answer, too_far_ahead, too_large, too_many, too_slow
from .scope import scope_of
from .stages import WAITS, Stage, Wait

_FIRST_LINE = 64
"""Bytes of a head that the parser never tells of: the method, the version, what ends lines."""
_AHEAD = 8
"""Requests that were sent ahead until no more is read: then it is not seen either whether their client leaves."""
_PIPELINE = 32
"""Requests that a client may send ahead of its answers: each costs memory before it is answered."""


class Connection(HttpToolsProtocol):
    """One client's connection."""

    def __init__(self, rules: Rules, *, server_state: Shared, **rest: Any) -> None:
        super().__init__(server_state=server_state, **rest)
        self._rules = rules
        self._shared = server_state
        self._stage = Stage.NEW
        self._answered: Cycle | None = None  # `cycle` is the last that was asked, maybe far ahead
        self._head = 0  # bytes of this head, or of this body's trailers, that the parser told of
        self._fed = 0  # bytes since the parser last told of anything: it may keep them
        self._news = 0  # counts what the parser tells of
        self._misfit = NO_HTTP  # what is wrong where the parser gives up
        self._upgrades = False
        self._refusal: Failure | None = None  # what is said at the end, after all that was to be answered
        self._refused_scope: MutableMapping[str, Any] | None = None  # what this is about, where the app has it
        self._has_hung_up = False
        self._waiting: Wait | None = None
        self._times = rules.times(self.timeout_keep_alive)
        self._alarm = Alarm(self.loop, self._ring, lambda: self.flow.read_paused)
        self._outlet: Outlet
        self._offers: dict[str, dict[str, object]]

    @property
    def is_idle(self) -> bool:
        """Whether nothing of a request is under way."""
        return self._stage is Stage.NEW or self._wait() in (Wait.REQUEST, Wait.END)

    # What the loop tells.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Begin; one connection too many is told so."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(HIGH_WATER_LIMIT)
        self._outlet = Outlet(transport, self.flow, self._close)
        self._offers = {OFFER: {OFFER: self._outlet.offer}, LEAVING: {LEAVING: self._outlet.listen}}
        if len(self.connections) > self._shared.limit:
            self._refuse(too_many(self._shared.limit))
        self._settle()

    def connection_lost(self, exc: Exception | None) -> None:
        """End, and tell whoever answers. What would hold this object and its last answer together is let go."""
        self._alarm.end()
        self.pipeline.clear()
        if self._answered is not None:
            self._answered.leave()
        self._outlet.leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and refuse what is too large or no HTTP."""
        if self._stage is Stage.OVER:
            return
        news = self._news
        try:
            self._feed(data)
        except httptools.HttpParserError:
            self._refuse(self._misfit)
        else:
            self._fed = 0 if self._news > news else self._fed + len(data)
            if self._fed > self._rules.max_header + _FIRST_LINE:
                self._refuse(too_large(self._rules.max_header))
        if self.pipeline and self._is_far_ahead():
            self.flow.pause_reading()
        self._settle()

    def shutdown(self) -> None:
        """End as soon as nothing is under way; a request that has begun to come is still answered."""
        if self._has_hung_up:
            self.transport.abort()
        elif self.is_idle:
            self.transport.close()
        elif self._stage is not Stage.HEAD:
            self.cycle.keep_alive = False

    # What the parser tells.

    def on_message_begin(self) -> None:
        """Begin a request."""
        self.url = b""
        self.headers = []
        self._stage = Stage.HEAD
        self._head = 0
        self._news += 1

    def on_url(self, url: bytes) -> None:
        """Take a part of the path."""
        self.url += url
        self._head += len(url)
        if self._head > self._rules.max_header:
            self._give_up(too_large(self._rules.max_header))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self.headers.append((name.lower(), value))
        self._head += len(name) + len(value) + 4  # ": \r\n"
        if self._head > self._rules.max_header:
            self._give_up(too_large(self._rules.max_header))

    def on_headers_complete(self) -> None:
        """Start to answer."""
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._give_up(NO_HTTP)  # the parser would take all that follows for another protocol
        self._upgrades = self.parser.should_upgrade()
        if self._upgrades:
            return
        if len(self.pipeline) == _PIPELINE:
            self._give_up(too_far_ahead(_PIPELINE))
        was_answering = self._is_answering()
        self.cycle: Cycle = self._asked(method)
        if was_answering:
            self.pipeline.appendleft((self.cycle, self.app))
        else:
            self._answered = self.cycle
            self._start_asgi_task(self.cycle, self.app)
        self.flow.resume_reading()  # who sends ahead may leave before its answers, and only reading tells
        self.headers = []  # one that follows the body is nobody's
        self._stage = Stage.BODY
        self._head = 0
        self._news += 1

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._news += 1
        self._alarm.hear()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        if not self._upgrades:
            self._stage = Stage.WHOLE
            self._news += 1
            super().on_message_complete()

    # What an answer tells.

    def on_response_complete(self) -> None:
        """Go on with the next request, or come to the end."""
        self._outlet.answered()
        if self._has_hung_up or self.transport.is_closing():
            return
        self.flow.resume_reading()
        self._answered = None
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._answered = cast("Cycle", cycle)
            self._start_asgi_task(cycle, app)
        elif self._stage is Stage.OVER:
            self._hang_up()
        self._settle()

    def _asked(self, method: bytes) -> Cycle:
        """Give what is asked, for the app."""
        version = self.parser.get_http_version()
        return Cycle(
            scope=scope_of(self, method.decode("ascii"), version, self._offers),
            transport=self._outlet,  # type: ignore[arg-type]  # all that it uses of a transport
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,  # ours says more
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=dict(self.headers).get(b"expect", b"").lower() == b"100-continue",
            keep_alive=version != "1.0" and self.parser.should_keep_alive() and not self._shared.is_draining,
            on_response=self.on_response_complete,
        )

    def _close(self) -> None:
        """Close after an answer that is the last one."""
        if self._stage is Stage.WHOLE or self.transport.is_closing():
            self.transport.close()
        else:
            self._stage = Stage.OVER
            self._hang_up()

    def _is_far_ahead(self) -> bool:
        return len(self.pipeline) > _AHEAD or sum(len(cycle.body) for cycle, _ in self.pipeline) > HIGH_WATER_LIMIT

    def _feed(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
                data = b""
            except httptools.HttpParserUpgrade as upgrade:
                data = self._declined() + data[upgrade.args[0] :]

    def _declined(self) -> bytes:
        """Give a request's head without its wish for another protocol, for a new parser: this one has given up.

        Java's own client asks for HTTP/2 first, and sends its body all the same. We may decline.
        """
        head = b"%b %b HTTP/%b\r\n" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        kept = (b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade")
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        return b"".join((head, *kept, b"\r\n"))

    def _give_up(self, misfit: Failure) -> NoReturn:
        """End the parsing; `data_received` tells the client."""
        self._misfit = misfit
        raise ValueError

    # Refusing.

    def _refuse(self, failure: Failure) -> None:
        """Answer what was asked before, then say this, and end."""
        unread = self.cycle if self._stage is Stage.BODY else None
        is_answering = self._is_answering()
        self._stage = Stage.OVER
        self._refusal = failure
        if unread is not None:
            is_answering = bool(self.pipeline)
            self._drop(unread)
        if not is_answering:
            self._hang_up()

    def _drop(self, unread: Cycle) -> None:
        """Give up a request whose body will not be read: its program hears that the client left."""
        if self.pipeline:
            self.pipeline.popleft()
        else:
            self._refused_scope = cast("MutableMapping[str, Any]", unread.scope)
        unread.leave()
        if unread.response_started:
            self._refusal = None  # it has its answer, or a part of one

    def _hang_up(self) -> None:
        """Say the last words, and wait a moment for the client to end."""
        self._has_hung_up = True
        self._outlet.flush()
        if self._refusal is not None:
            address = self.client[0] if self.client else None
            name = self._shared.on_refused(self._refusal, address, self._refused_scope)
            self.transport.write(answer(self._refusal, name, self.server_state.default_headers))
        self.flow.resume_reading()
        if self.transport.can_write_eof() and not self.transport.is_closing():
            self.transport.write_eof()
        self._settle()

    # Waiting.

    def _is_answering(self) -> bool:
        return bool(self.cycle) and not self.cycle.response_complete

    def _wait(self) -> Wait:
        if self._stage is Stage.OVER:
            return Wait.END if self._has_hung_up else Wait.ANSWER
        return WAITS[self._stage][self._is_answering()]

    def _settle(self) -> None:
        """Set the alarm for what the connection waits for now."""
        waiting = self._wait()
        if waiting is not self._waiting:
            self._waiting = waiting
            self._alarm.set(*self._times[waiting])

    def _ring(self) -> None:
        match self._waiting:
            case Wait.HEAD if self._stage is Stage.HEAD:
                self._refuse(too_slow("head", self._rules.header_timeout))
            case Wait.BODY:
                self._refuse(too_slow("body", self._rules.body_timeout))
            case Wait.END:
                self.transport.abort()
            case _:
                self.transport.close()
