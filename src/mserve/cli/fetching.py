"""Shows what is being fetched. Apart from what else is shown: no server that starts needs a bar, or a model."""

import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NoReturn

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from mserve.local import Progress as Told

_bars = Console(stderr=True)


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
