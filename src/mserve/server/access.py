"""Who may reach a server, by what its operator said; refuses to start one that strangers could use unnoticed."""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING

from mserve.errors import StartupError
from mserve.web.keys import line_of
from mserve.web.origins import host_name

if TYPE_CHECKING:
    from .config import Settings

_OWN_NAMES = ("localhost", "127.0.0.1", "::1")


def key_lines(given: Sequence[str]) -> tuple[str, ...]:
    """Hash the keys that were given as KEY or NAME:KEY; `StartupError`, without its text, for one that is none."""
    lines: list[str] = []
    for number, said in enumerate(given, 1):
        name, colon, key = said.partition(":")
        try:
            lines.append(line_of(name, key) if colon else line_of(f"key-{number}", said))
        except ValueError as error:
            raise StartupError(f"--api-key takes KEY or NAME:KEY, and number {number} is neither: {error}") from None
    return tuple(lines)


def check_reach(host: str, *, uds: bool, auth: bool, keyed: bool) -> None:
    """Refuse what would let in whoever can reach the address, unless that was said: `StartupError`."""
    if keyed and not auth:
        raise StartupError("--no-auth lets everybody in, and there are keys, too: say one or the other")
    if not keyed and auth and not uds and not _is_loopback(host):
        raise StartupError(
            f"everybody who can reach {host or 'this machine'} could run these programs: set a key, by MSERVE_API_KEY "
            "or --api-key-file, or say --no-auth; or listen on 127.0.0.1, which is this machine alone"
        )


def is_private(settings: "Settings") -> bool:
    """Tell whether only who uses this machine can be asking: no key, no name and not all pages were let in.

    A socket file and a path that is stripped are what a proxy has, and behind it may stand anybody.
    """
    keyed = bool(settings.api_key) or settings.api_key_file is not None
    has_proxy = settings.uds is not None or settings.root_path != ""
    is_open = bool(settings.allowed_hosts) or "*" in settings.allowed_origins
    return _is_loopback(settings.host) and not (keyed or has_proxy or is_open)


def own_names(host: str, named: Sequence[str], *, uds: bool, keyed: bool) -> tuple[str, ...]:
    """Give the names that requests may call the server by; none for all. `StartupError` for what is no name.

    Where a key is asked for, or no browser can come, names matter only to an operator who gave some.
    """
    for name in named:
        is_name = "*" not in name and host_name(f"[{name}]" if ":" in name else name) != ""
        if name != "*" and not is_name:
            raise StartupError(
                f"--allowed-hosts takes * or names, without a scheme or a port, each by itself, not {name!r}"
            )
    if (keyed or uds) and not named:
        return ()
    return tuple(dict.fromkeys([*_OWN_NAMES, *([host] if host else []), *named]))


def _is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches an address; of a name nobody knows where it will lead."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
