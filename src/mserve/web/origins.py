"""What a request says of where it comes from: the name it calls this server by, and the page that sent it."""

import re
from functools import lru_cache
from ipaddress import ip_address

from mserve.events import Failure

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:\[\]/\\@?#,]+))(?::[0-9]*)?")


@lru_cache(maxsize=16)  # few names are called, and by every request; a header of a stranger may be long
def host_name(host: str) -> str:
    """Give the name or the address of a Host header, without its port and in one spelling; `""` where it is none."""
    found = _HOST.fullmatch(host)
    return one_spelling(found[1] or found[2]) if found is not None else ""


def one_spelling(name: str) -> str:
    """Give a name or an address as all spellings of it are compared."""
    try:
        return str(ip_address(name))
    except ValueError:
        return name.lower()


def is_own(origin: str, scheme: str, host: str) -> bool:
    """Tell whether a page came from this very server, by the address that it asks now.

    Where a proxy ends TLS, the page is `https` though the request is not: nobody else can have that page's address.
    """
    said, _, authority = origin.partition("://")
    return authority != "" and authority.lower() == host.lower() and said in ("https", scheme)


def refused_origin(origin: str) -> Failure:
    """Tell a page that it may not call, and its operator what would let it."""
    message = f"Pages of {origin} may not call this server. Its operator lets them by --allowed-origins {origin}."
    return Failure(403, message, "origin_not_allowed")


def refused_host(host: str) -> Failure:
    """Tell a caller that the server does not go by this name.

    A 403: a 421 would ask it to try again on another connection, which would not help.
    """
    message = "The request has no Host that could be a server's name."
    if name := host_name(host):
        message = f"This server is not called {name}. Its operator lets it be, by --allowed-hosts {name}."
    return Failure(403, message, "host_not_allowed")
