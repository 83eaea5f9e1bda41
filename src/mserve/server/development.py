"""Serves programs while they are written: each edit starts a new process on the same socket, which takes over.

No request is lost: the process before answers until the new one is ready, and then ends with its last stream.
"""

import signal
import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import cache_from_source
from pathlib import Path

from msgspec import Struct

from mserve.errors import LoadError, StartupError
from mserve.programs.load import folder_of
from mserve.web.development import Edit, Fault

from .access import is_private
from .child import Child
from .config import Settings
from .edits import edits
from .messages import Failed, Order, Ready, Stop
from .supervisor import Supervisor

_MORE_WATCHES = (
    "on Linux, what is too small may be fs.inotify.max_user_watches or fs.inotify.max_user_instances (raise it by "
    "sysctl), or the limit of open files"
)
_LONGEST = 4000
"""Characters of a reason that pages are told."""
_NO_REASON = "What was edited is not served. Who runs the server finds the reason in its terminal."


class Edited(Struct, frozen=True):
    """Files were changed: a new process starts."""

    files: tuple[Path, ...]


class Died(Struct, frozen=True):
    """The process that served has ended by itself."""

    code: int


class Unclosed(Struct, frozen=True):
    """A version that is served no more could not close what it had opened."""

    reason: str


Told = Ready | Failed | Edited | Died | Unclosed


class Development(Supervisor):
    """Keeps the newest version of some programs that works at the socket."""

    def __init__(
        self, programs: Sequence[str], names: Sequence[str], settings: Settings, tell: Callable[[Told], None]
    ) -> None:
        """Make a supervisor; `tell` hears what happens."""
        super().__init__(for_authors(settings))
        self._order = Order(tuple(programs), tuple(names), self.settings, develops=True)
        self._folders = [folder_of(program) for program in programs]
        self._tell = tell
        self._starting: Child | None = None
        self._serving: Child | None = None

    def run(self) -> None:
        """Do as all supervisors; `StartupError` or `LoadError` only for what no edit of a file can mend."""
        if self.settings.workers > 1:
            raise StartupError("mserve dev has one process: --workers is for mserve run (here, say --workers 1)")
        super().run()

    async def begin(self, listeners: Sequence[socket.socket]) -> None:
        """Start the first version."""
        (self._listener,) = listeners
        await self._start()

    async def watch(self) -> None:
        """See edits."""
        try:
            async for files in edits(folder for folder in self._folders if folder is not None):
                self.events.put_nowait(Edited(tuple(files)))
        except Exception as error:  # noqa: BLE001  # whatever it is: no edit would be seen any more, and nobody told
            self.events.put_nowait(StartupError(f"the programs' folders cannot be watched: {error}; {_MORE_WATCHES}"))

    async def hear(self, event: object) -> None:
        """Let a new version begin, or take over."""
        match event:
            case Edited() if not self.is_stopping:
                self._tell(event)
                self._tell_pages(Edit(tuple(file.name for file in event.files)))
                _forget_compiled(event.files)
                self.settle()
                await self._start()
            case (Child() as child, Ready() as ready) if child is self._starting:
                self._take_over(child)
                self._tell(ready)
            case (Child() as child, Failed() as failed):
                self._tell_failure(child, failed)
            case _:
                pass  # edits at the end, and a process that was ready too late

    def ended(self, child: Child, code: int) -> None:
        """Tell of a process that ended by itself."""
        if child is self._starting:
            self._starting = None
            self._tell_fault(Failed(f"the program ended its process while it was loaded, with exit code {code}"))
        elif child is self._serving:
            self._serving = None
            if not self.is_stopping:
                self._tell(Died(code))

    def settle(self) -> None:
        """Give up a process that is not ready yet: what it began with is old by now."""
        if self._starting is not None:
            self._starting.tell(Stop())
            self._starting = None

    async def _start(self) -> None:
        self._starting = await self.start(self._order, self._listener)

    def _take_over(self, child: Child) -> None:
        if self._serving is not None:
            self._serving.signal(signal.SIGTERM)
        self._serving, self._starting = child, None

    def _tell_failure(self, child: Child, failed: Failed) -> None:
        if child is self._starting:
            self._starting = None
            if self._serving is None and failed.is_lasting:
                raise StartupError(failed.reason)
            if self._serving is None and (not self._folders or None in self._folders):
                raise LoadError(failed.reason)
            self._tell_fault(failed)
        elif self.is_stopping:
            self.unclosed[failed.reason] = None
        else:
            self._tell(Unclosed(failed.reason))

    def _tell_fault(self, failed: Failed) -> None:
        """Tell why a version is not served; pages of the one that goes on hear the reason if they may know it."""
        self._tell(failed)
        self._tell_pages(Fault(failed.reason[:_LONGEST] if self.settings.show_errors else _NO_REASON))

    def _tell_pages(self, said: Edit | Fault) -> None:
        if self._serving is not None:
            self._serving.tell(said)


def for_authors(settings: Settings) -> Settings:
    """Give settings as they are for who writes the programs: clients are told of errors, and the log is brief."""
    shows = is_private(settings) if settings.show_errors is None else settings.show_errors
    is_brief = settings.log_format == "text" and settings.log_level not in ("debug", "trace")
    return replace(settings, show_errors=shows, log_format="brief" if is_brief else settings.log_format)


def _forget_compiled(files: Sequence[Path]) -> None:
    """Remove what Python compiled of files: it would take it for current while they have the same second and size."""
    for file in files:
        Path(cache_from_source(str(file))).unlink(missing_ok=True)
