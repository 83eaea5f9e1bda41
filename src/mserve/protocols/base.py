"""What every protocol is: the shape that the web layer knows them by, and the errors that they share."""

from collections.abc import Callable, Iterator, Sequence
from itertools import filterfalse
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from mserve.errors import ClientError
from mserve.events import Failure, Said
from mserve.options import Limits
from mserve.request import Request
from mserve.transcript import Reply, Transcript


class Keeping(Struct, frozen=True, kw_only=True):
    """What a request says of what came before it, and of what is to become of its answer."""

    store: bool
    """Whether the answer is to be found again."""
    background: bool
    """Whether it goes on when its client leaves, which may not even wait for it."""
    previous: str | None
    """The id of an answer whose conversation the request goes on with."""
    conversation: str | None
    """The id of a conversation that the request belongs to."""
    items: Sequence[dict[str, Any]]
    """What the client said, in its own protocol's shape."""
    references: Sequence[str]
    """The ids of what it said or was told earlier, and means again."""

    @property
    def looks_back(self) -> bool:
        """Whether something has to be found before the request is whole."""
        return bool(self.previous or self.conversation or self.references)


class Asked(Struct, frozen=True):
    """What one body asks for: a reply of one choice or more, each of them the answer to a request of its own."""

    request: Request
    """What the reply has to look like: the protocol's own, without messages. Programs may change what they get."""
    runs: tuple[Request, ...]
    """What each choice answers, in the order of their numbers; `n` is 1 in each, and no two share a list or a dict."""
    echoes: tuple[str, ...] = ()
    """What stands before each choice's text, where there is such a thing."""
    sent: Any = None
    """What the reply repeats of the request, in the protocol's own type, without what the client said."""
    keeping: Keeping | None = None
    """None in a protocol that knows nothing of it."""

    def for_reply(self) -> "Asked":
        """Give what the reply is made by: the same without any message, which may be the larger part of it all."""
        return Asked(self.request, (self.request,) * len(self.runs), self.echoes, self.sent)


class Envelope(Struct, frozen=True):
    """What marks all of one reply: handed in, since protocols draw no ids and read no clock."""

    key: str
    """Unique among replies, of letters and digits; a protocol puts its own prefix before it."""
    created: int
    """Seconds since 1970."""
    model: str
    """The name to answer under: the one that the client asked for."""


class Encoder(Protocol):
    """One reply on its way out: as frames, or as one body that comes at its close."""

    def open(self) -> bytes:
        """Give what comes before anything is said. Once, and before all else."""
        ...

    def encode(self, choice: int, events: Sequence[Said]) -> bytes:
        """Give the frames of the next events of a choice, complete ones only."""
        ...

    def close(self, ended: int) -> bytes:
        """Give what ends the reply, which was whole at a time: seconds since 1970."""
        ...


class Whole:
    """A whole reply on its way out: an `Encoder` that folds what each choice says, and gives the body at its close."""

    def __init__(self, choices: int, body: Callable[[Sequence[Reply]], bytes]) -> None:
        self._transcripts = [Transcript() for _ in range(choices)]
        self._body = body

    def open(self) -> bytes:
        """Give nothing yet."""
        return b""

    def encode(self, choice: int, events: Sequence[Said]) -> bytes:
        """Take the next events, of which none is a failure, and give nothing yet."""
        self._transcripts[choice].extend(events)
        return b""

    def close(self, _ended: int) -> bytes:
        """Give the body."""
        return self._body([transcript.reply() for transcript in self._transcripts])


class Operation(Struct, frozen=True, kw_only=True):
    """What the OpenAPI document says of a protocol: its types, which are those that decode and encode."""

    name: str
    summary: str
    request: type
    reply: type
    chunk: Any


class Endpoint(Struct, frozen=True, eq=False):
    """What the OpenAPI document says of something that is asked for besides replies."""

    name: str
    summary: str
    method: str
    path: str
    """With the names of its parts, `{so}`."""
    request: Any = None
    """The type of its body, where it has one."""
    reply: Any = None
    chunk: Any = None
    """The type of its events, where it can be a stream."""
    query: dict[str, Any] = {}
    """The schemas of what may stand behind the path's question mark."""


class Wire(Protocol):
    """A protocol. A module is one, by having these names."""

    @property
    def OPERATION(self) -> Operation:  # noqa: N802  # a module's constant
        """How it is documented."""
        ...

    @property
    def PATH(self) -> str:  # noqa: N802  # a module's constant
        """Where requests are posted."""
        ...

    def decode(self, body: bytes, limits: Limits) -> Asked:
        """Read a request; `ClientError` for bytes that are none, or that ask for more than there may be."""
        ...

    def whole(self, envelope: Envelope, asked: Asked) -> Encoder:
        """Start a whole reply: its body comes at its close. A failure has an error's body instead."""
        ...

    def encoder(self, envelope: Envelope, asked: Asked) -> Encoder:
        """Start a streamed reply."""
        ...

    def encode_error(self, failure: Failure) -> bytes:
        """Give the body of an HTTP error."""
        ...


class Error(Struct, frozen=True):
    """What OpenAI says when something fails: always all four keys."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorResponse(Struct, frozen=True):
    """The body of an error, and the data of an error's frame."""

    error: Error


_MOST_STOPS = 64
"""OpenAI's document has 4; front ends for open models send more."""
_LONGEST_STOPS = 4096
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


def encode_error(failure: Failure) -> bytes:
    """Give OpenAI's error body."""
    kind = _TYPES.get(failure.status, "invalid_request_error" if failure.status < 500 else "server_error")
    return msgspec.json.encode(ErrorResponse(Error(failure.message, kind, failure.param, failure.code)))


def asked(requests: Sequence[Request], limits: Limits) -> Asked:
    """Give what a body with these requests asks for, each as often as `n` says; `ClientError` for too many choices."""
    first = requests[0]
    each = first.n or 1
    count = len(requests) * each
    check_choices("prompt" if each == 1 else "n", count, limits)
    runs = requests if count == 1 else (run for request in requests for run in _copies(request, each))
    return Asked(_for_reply(first), tuple(runs))


def check_choices(param: str, count: int, limits: Limits) -> None:
    """Refuse what would be more answers than one request may have."""
    if count > limits.choices:
        most = limits.choices
        raise ClientError(f"{param}: one request gets at most {most} answers here, not {count}.", param=param)


def _copies(request: Request, count: int) -> Iterator[Request]:
    """Give a request so many times, as JSON gives it, for each run its own: the server makes the choices."""
    if count > 1:
        request = msgspec.structs.replace(request, n=1, fields=request.fields | {"n": 1})
    body = msgspec.json.encode(request)
    for _ in range(count):
        yield Request(**msgspec.json.decode(body))


def _for_reply(request: Request) -> Request:
    return msgspec.structs.replace(
        request,
        messages=[],
        fields=dict(request.fields),
        metadata=request.metadata and dict(request.metadata),
        stream_options=request.stream_options and dict(request.stream_options),
    )


def decode_object(body: bytes) -> dict[str, Any]:
    """Read a JSON object; `ClientError` for anything else."""
    try:
        value = msgspec.json.decode(body)
    except RecursionError as error:
        raise ClientError("The request body is nested too deeply.", code="invalid_json") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ClientError(f"The request body is not valid JSON: {error}.", code="invalid_json") from error
    if not isinstance(value, dict):
        raise ClientError("The request body must be a JSON object.", code="invalid_json")
    return value


def told_apart(sent: dict[str, Any], known: frozenset[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tell the parameters that a client sent from what no parameter is named for, which is taken out of `sent`."""
    extra = {name: sent.pop(name) for name in [*filterfalse(known.__contains__, sent)]}
    if None in sent.values():
        sent = {name: value for name, value in sent.items() if value is not None}
    return sent, extra


def check_count(sent: dict[str, Any], name: str, most: int) -> None:
    """Refuse a list that is too long, before each of its items is looked at."""
    value = sent.get(name)
    if isinstance(value, list) and len(value) > most:
        raise ClientError(f"{name}: expected at most {most} of them, not {len(value)}.", param=name)


def check_stop(stop: str | list[str] | None) -> None:
    """Refuse more to stop at than can be looked for while tokens fly by."""
    if not stop:
        return
    sequences = stop if isinstance(stop, list) else [stop]
    if len(sequences) > _MOST_STOPS or sum(map(len, sequences)) > _LONGEST_STOPS:
        raise ClientError(
            f"stop: expected at most {_MOST_STOPS} sequences, of {_LONGEST_STOPS} characters together.", param="stop"
        )
