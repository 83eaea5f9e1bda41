"""Stands before everything but liveness: who gets in, by key or by where a request comes from. Reads no body."""

from collections.abc import Awaitable, Sequence
from operator import itemgetter

from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from mserve.events import Failure
from mserve.options import Options

from .caller import CALLER
from .keys import Keys
from .origins import host_name, is_own, one_spelling, refused_host, refused_origin
from .playground import Playground
from .replies import Header, send_failure

OPEN_PATHS = frozenset({"/health/live"})
"""What is answered to everybody: who asks whether a process lives has no key, and may call it by any name."""

_WWW_AUTHENTICATE: Header = (b"www-authenticate", b"Bearer")
_NO_KEY = Failure(
    401,
    "This server asks for an API key: send it as Authorization: Bearer KEY, or as x-api-key: KEY.",
    "invalid_api_key",
)
_WRONG_KEY = Failure(401, "The API key is not one of this server's.", "invalid_api_key")

_NAME = itemgetter(0)
_SCHEMES = {"ws": "http", "wss": "https"}
"""What pages call the scheme of a websocket's server."""


class Guard:
    """An app that only those reach who may.

    With keys, a request has to show one. Without, it must come from no web page but ours and those that were named,
    and call the server by a name of its own, where these are known. With keys neither is asked: no page can know a
    key that it was not given, and no browser adds one by itself, as it would a cookie.
    """

    def __init__(self, app: ASGIApp, options: Options, playground: Playground | None = None) -> None:
        """Make a guard; `StartupError` where the keys cannot be read.

        A browser that asks for the playground without a key gets a page in its place that asks for one.
        """
        self._app = app
        self._playground = playground
        keyed = bool(options.api_keys) or options.api_key_file is not None
        self._keys = Keys(options.api_keys, options.api_key_file) if keyed else None
        self._origins = frozenset(options.allowed_origins)
        self._is_any_page = keyed or "*" in self._origins
        anything = "*" in options.allowed_hosts
        self._hosts = frozenset() if anything else frozenset(map(one_spelling, options.allowed_hosts))

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Be an ASGI app."""
        refusal = self._wrong_place(scope)
        if refusal is None and self._keys is not None:
            refusal = _identify(scope, self._keys)
        if refusal is None:
            return self._app(scope, receive, send)
        if scope["type"] == "websocket":
            return WebSocketClose()(scope, receive, send)
        if refusal.status != 401:
            return send_failure(send, refusal)
        if self._playground is not None and self._playground.is_wanted(scope):
            return self._playground.sign_in(send, refusal, _WWW_AUTHENTICATE)
        return send_failure(send, refusal, headers=[_WWW_AUTHENTICATE])

    def _wrong_place(self, scope: Scope) -> Failure | None:
        """Refuse a server's name that is not ours, and a page that is neither ours nor named."""
        if self._is_any_page and not self._hosts:
            return None
        hosts = _values(scope, b"host")
        host = hosts[0] if len(hosts) == 1 else ""
        if self._hosts and not self._is_called(host, scope):
            return refused_host(host)
        if self._is_any_page:
            return None
        scheme: str = scope.get("scheme", "http")
        for origin in _values(scope, b"origin"):
            if origin not in self._origins and not is_own(origin, _SCHEMES.get(scheme, scheme), host):
                return refused_origin(origin)
        return None

    def _is_called(self, host: str, scope: Scope) -> bool:
        """Tell whether the server goes by a name: one that it was given, or the address that the request came to.

        A page whose name was made to lead to this machine (DNS rebinding) can say neither.
        """
        server = scope.get("server") or ("",)
        name = host_name(host)
        return name != "" and (name in self._hosts or name == one_spelling(server[0]))


def _identify(scope: Scope, keys: Keys) -> Failure | None:
    """Find out who calls, and take the key away: programs get the name of it.

    Each place that holds a key is looked at, and none of them may hold a wrong one: what stands behind this server, or
    before it, may read the other.
    """
    headers: Sequence[Header] = scope["headers"]
    said = [*map(_NAME, headers)]
    if said.count(b"authorization") > 1 or said.count(b"x-api-key") > 1:
        return _WRONG_KEY
    sent = dict(headers)
    shown = (_bearer(sent.get(b"authorization", b"")), sent.get(b"x-api-key"))
    names = {keys.name_of(key.strip(b" \t")) for key in shown if key is not None}
    if not names:
        return _NO_KEY
    if None in names or len(names) > 1:
        return _WRONG_KEY
    (name,) = names
    scope[CALLER] = name
    taken = [b"x-api-key"]
    # Whatever stands behind the word: what is no key in that spelling may be one in another.
    if sent.get(b"authorization", b"").lower().lstrip().startswith(b"bearer"):
        taken.append(b"authorization")
    # In place: whoever writes down a request afterwards shall not find the key in it either.
    scope["headers"] = [header for header in headers if header[0] not in taken]
    return None


def _bearer(value: bytes) -> bytes | None:
    """Give the key of an Authorization header; None where it is for somebody else, as a proxy's password."""
    scheme, _, key = value.strip(b" \t").partition(b" ")
    return key if scheme.lower() == b"bearer" else None


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]
