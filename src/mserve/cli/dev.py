"""`mserve dev`: serve programs while they are written."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from mserve.server.config import Settings
from mserve.server.development import Development, Edited, Told, Unclosed
from mserve.server.messages import Failed, Ready

from .arguments import HowToServe, Names, Program, forget_secrets
from .browser import can_open, open_page
from .failure import errors, told, told_in_words
from .screen import console, page_of, show_page, show_serving

Opens = Annotated[
    bool | None,
    Parameter(
        name="open",
        show_default=False,
        help="Open the page in your browser, once it is there; by default, where this terminal has windows around it.",
    ),
]


def dev(
    *programs: Program,
    names: Names = (),
    opens: Opens = None,
    settings: HowToServe = Settings(),  # noqa: B008  # frozen
) -> None:
    """Serve programs while you write them: each edit is served as soon as it works, and no request is lost."""
    forget_secrets()
    if opens is None:
        opens = can_open(os.environ, sys.platform, is_terminal=sys.stdout.isatty())
    with told_in_words():
        Development(programs, names, settings, _Screen(settings, opens=opens).show).run()


class _Screen:
    """What a terminal shows of a server that changes."""

    def __init__(self, settings: Settings, *, opens: bool) -> None:
        self._settings = settings
        self._opens = opens
        self._serves = self._has_page = False

    def show(self, event: Told) -> None:
        match event:
            case Edited(files):
                console.print(Text.assemble("Edited ", _names(files)), style="dim")
            case Ready(names, base_url):
                show_serving(names, base_url)
                self._serves = True
                self._show_page(page_of(base_url, self._settings))
            case Failed(reason):
                after = "the version before goes on" if self._serves else "waiting for an edit"
                errors.print(Text.assemble(told(reason), (f"  ({after})", "dim")))
            case Unclosed(reason):
                errors.print(told(reason))
            case _:
                self._serves = False
                errors.print(told(f"the server ended with exit code {event.code}: waiting for an edit"))

    def _show_page(self, page: str | None) -> None:
        """Show the page once: it stays where it is."""
        if page is None or self._has_page:
            return
        self._has_page = True
        show_page(page)
        if self._opens:
            open_page(page)


def _names(files: Sequence[Path]) -> str:
    return ", ".join(file.name for file in files[:3]) + (", …" if len(files) > 3 else "")
