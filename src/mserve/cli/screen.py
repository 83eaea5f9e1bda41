"""What all commands show the same way: where a server answers."""

import logging
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

log = logging.getLogger("mserve")

console = Console(highlight=False, soft_wrap=True)


def show_serving(programs: Sequence[str], base_url: str) -> None:
    """Say what is served, and where. Names are data, never markup."""
    names = Text(", ").join(Text(program, "bold cyan") for program in programs)
    console.print(Text.assemble("Serving ", names, " at ", (base_url, "bold"), ("  (Ctrl-C stops)", "dim")))


def log_serving(programs: Sequence[str], base_url: str) -> None:
    """Say the same to a log that machines read."""
    log.info("Serving %s at %s (SIGTERM stops)", ", ".join(programs), base_url)
