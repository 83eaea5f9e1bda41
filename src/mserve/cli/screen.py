"""What all commands show the same way: where a server answers."""

import logging
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from mserve.server.config import Settings

log = logging.getLogger("mserve")

console = Console(highlight=False, soft_wrap=True)


def show_serving(programs: Sequence[str], base_url: str, ending: str = "Ctrl-C") -> None:
    """Say what is served, where, and what stops it. Names are data, never markup."""
    names = Text(", ").join(Text(program, "bold cyan") for program in programs)
    console.print(Text.assemble("Serving ", names, " at ", (base_url, "bold"), (f"  ({ending} stops)", "dim")))


def page_of(base_url: str, settings: Settings) -> str | None:
    """Give the page's address; None where there is none that a browser could open."""
    address = base_url.removesuffix("v1")
    return address if settings.playground and address.startswith("http") else None


def show_page(page: str | None) -> None:
    """Say where to see what is served."""
    if page is not None:
        console.print(Text.assemble("See it at ", (page, "bold")))


def log_serving(programs: Sequence[str], base_url: str) -> None:
    """Say the same to a log that machines read."""
    log.info("Serving %s at %s (SIGTERM stops)", ", ".join(programs), base_url)
