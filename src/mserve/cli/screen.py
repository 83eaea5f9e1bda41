"""What all commands show the same way: where a server answers, and what is being fetched."""

import logging
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NoReturn

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from mserve.local import Progress as Told

log = logging.getLogger("mserve")

console = Console(highlight=False, soft_wrap=True)
_bars = Console(stderr=True)


def show_serving(programs: Sequence[str], base_url: str) -> None:
    """Say what is served, and where. Names are data, never markup."""
    names = Text(", ").join(Text(program, "bold cyan") for program in programs)
    console.print(Text.assemble("Serving ", names, " at ", (base_url, "bold"), ("  (Ctrl-C stops)", "dim")))


def log_serving(programs: Sequence[str], base_url: str) -> None:
    """Say the same to a log that machines read."""
    log.info("Serving %s at %s (SIGTERM stops)", ", ".join(programs), base_url)


@contextmanager
def fetching() -> Iterator[Told]:
    """Draw a bar while something is fetched; nothing where nothing is. SIGTERM ends it as cleanly as Ctrl-C."""
    before = signal.signal(signal.SIGTERM, _leave)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    bars = Progress(*columns, console=_bars, transient=True)
    tasks: dict[str, TaskID] = {}
    with ExitStack() as drawing:

        def told(what: str, done: int, total: int) -> None:
            if not tasks:
                drawing.enter_context(bars)
            if what not in tasks:
                tasks[what] = bars.add_task(f"{what} the model", total=total)
            bars.update(tasks[what], completed=done)

        drawing.callback(signal.signal, signal.SIGTERM, before)
        yield told


def _leave(number: int, _frame: object) -> NoReturn:
    sys.exit(128 + number)
