"""What every protocol is: the shape that the web layer knows them by, and the errors that they share."""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from mserve.errors import ClientError
from mserve.events import Failure, RunEvent
from mserve.request import Request
from mserve.transcript import Reply


class Asked(Struct, frozen=True):
    """What one body asks for: a reply of one choice or more, each of them the answer to a request of its own."""

    request: Request
    """As the client sent it."""
    runs: tuple[Request, ...]
    """What each choice answers, in the order of their numbers; `n` is 1 in each."""


class Envelope(Struct, frozen=True):
    """What marks all of one reply: handed in, since protocols draw no ids and read no clock."""

    key: str
    """Unique among replies, of letters and digits; a protocol puts its own prefix before it."""
    created: int
    """Seconds since 1970."""
    model: str
    """The name to answer under: the one that the client asked for."""


class Encoder(Protocol):
    """One reply on its way out as frames."""

    def encode(self, choice: int, events: Sequence[RunEvent]) -> bytes:
        """Give the frames of the next events of a choice, complete ones only."""
        ...

    def close(self) -> bytes:
        """Give the frames that end the reply."""
        ...


class Operation(Struct, frozen=True, kw_only=True):
    """What the OpenAPI document says of a protocol: its types, which are those that decode and encode."""

    name: str
    summary: str
    request: type
    reply: type
    chunk: type


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

    def decode(self, body: bytes) -> Asked:
        """Read a request; `ClientError` for bytes that are none."""
        ...

    def encode_reply(self, envelope: Envelope, asked: Asked, replies: Sequence[Reply]) -> bytes:
        """Give a whole reply's body, of one reply for each choice."""
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


_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


def encode_error(failure: Failure) -> bytes:
    """Give OpenAI's error body."""
    kind = _TYPES.get(failure.status, "invalid_request_error" if failure.status < 500 else "server_error")
    return msgspec.json.encode(ErrorResponse(Error(failure.message, kind, failure.param, failure.code)))


def copies(request: Request) -> tuple[Request, ...]:
    """Give a request as often as its `n` says, which is checked: the server makes the choices, each run one of them."""
    count = 1 if request.n is None else request.n
    if count == 1:
        return (request,)
    return (msgspec.structs.replace(request, n=1, fields=request.fields | {"n": 1}),) * count


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
