"""Divides what a server as a whole may do among its workers. Nothing is lost: the parts add up to what was said."""

from dataclasses import replace
from typing import Any

from msgspec import Struct, structs

from mserve.errors import LoadError, StartupError
from mserve.programs.user import UserProgram

from .config import Settings
from .ranges import flag_of

_DIVIDED = {"max_runs": 1, "max_queue": 0, "max_threads": 1, "limit_connections": 1}
"""What a process counts for itself, and the least that one can work with."""


class Part(Struct, frozen=True):
    """Which of how many workers one is."""

    index: int = 0
    of: int = 1

    def share(self, number: int) -> int:
        """Give its share of a number; the first ones get what is left over."""
        return number // self.of + (self.index < number % self.of)

    def of_settings(self, settings: Settings) -> Settings:
        """Give what one worker keeps, so that all keep what was said."""
        shares: dict[str, Any] = {name: self.share(getattr(settings, name)) for name in _DIVIDED}
        return replace(settings, **shares)

    def of_program(self, program: UserProgram) -> UserProgram:
        """Do the same for what a program's author said; `LoadError` where that cannot be divided."""
        traits = program.traits
        if traits.session_affinity and self.of > 1:
            raise LoadError(
                f"{program.place}: session_affinity wants a conversation's turns in one process, and {self.of} workers "
                "take them as they come: say --workers 1, or mserve deploy"
            )
        if traits.max_runs is not None and traits.max_runs < self.of:
            raise LoadError(
                f"{program.place}: max_runs={traits.max_runs} cannot be divided among {self.of} workers: "
                f"raise it, or say --workers {traits.max_runs}"
            )
        runs = None if traits.max_runs is None else self.share(traits.max_runs)
        queue = None if traits.max_queue is None else self.share(traits.max_queue)
        return structs.replace(program, traits=structs.replace(traits, max_runs=runs, max_queue=queue))


def check_parts(settings: Settings) -> None:
    """Refuse what leaves a worker with nothing: `StartupError`."""
    for name, least in _DIVIDED.items():
        if (said := getattr(settings, name)) < settings.workers * least:
            raise StartupError(
                f"{flag_of(name)} {said} cannot be divided among {settings.workers} workers: "
                f"raise it, or say --workers {said}"
            )
