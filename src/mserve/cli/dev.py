"""`mserve dev`: serve programs while they are written."""

from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from mserve.server.config import Settings
from mserve.server.development import Development, Edited, Told, Unclosed
from mserve.server.messages import Failed, Ready

from .arguments import HowToServe, Names, Program, forget_secrets
from .failure import errors, told, told_in_words
from .screen import console, show_serving


def dev(
    *programs: Program,
    names: Names = (),
    settings: HowToServe = Settings(),  # noqa: B008  # frozen
) -> None:
    """Serve programs while you write them: each edit is served as soon as it works, and no request is lost."""
    forget_secrets()
    with told_in_words():
        Development(programs, names, settings, _Screen().show).run()


class _Screen:
    """What a terminal shows of a server that changes."""

    def __init__(self) -> None:
        self._serves = False

    def show(self, event: Told) -> None:
        match event:
            case Edited(files):
                console.print(Text.assemble("Edited ", _names(files)), style="dim")
            case Ready(names, base_url):
                show_serving(names, base_url)
                self._serves = True
            case Failed(reason):
                after = "the version before goes on" if self._serves else "waiting for an edit"
                errors.print(Text.assemble(told(reason), (f"  ({after})", "dim")))
            case Unclosed(reason):
                errors.print(told(reason))
            case _:
                self._serves = False
                errors.print(told(f"the server ended with exit code {event.code}: waiting for an edit"))


def _names(files: Sequence[Path]) -> str:
    return ", ".join(file.name for file in files[:3]) + (", …" if len(files) > 3 else "")
