"""What a supervisor and the processes that it started say to each other: one JSON object a line. Only words."""

from msgspec import Struct

from mserve.web.development import Edit, Fault
from mserve.web.families import Family

from .config import Settings
from .parts import Part


class Order(Struct, frozen=True):
    """What to serve: the first that a supervisor says."""

    programs: tuple[str, ...]
    names: tuple[str, ...]
    settings: Settings
    part: Part = Part()
    answers_early: bool = False
    """Whether requests are taken while the programs open: nobody else would."""
    develops: bool = False
    """Whether the programs are being written."""


class Stop(Struct, frozen=True, tag=True):
    """The process shall end, in its usual time."""


class Ask(Struct, frozen=True, tag=True):
    """The process shall answer from its event loop."""

    number: int


class Sum(Struct, frozen=True, tag=True):
    """What all workers counted."""

    families: tuple[Family, ...]


class Ready(Struct, frozen=True, tag=True):
    """The process serves these programs, there."""

    names: tuple[str, ...]
    base_url: str


class Leaving(Struct, frozen=True, tag=True):
    """The process takes no more requests: it ends."""


class Failed(Struct, frozen=True, tag=True):
    """The process could not begin, or not close what it had opened."""

    reason: str
    is_lasting: bool = False
    """Whether other programs could not help either: a file of keys that is not there, for one."""
    is_load: bool = False
    """Whether a program could not be loaded."""


class Answer(Struct, frozen=True, tag=True):
    """The process lives, and has counted this."""

    number: int
    families: tuple[Family, ...]


class Want(Struct, frozen=True, tag=True):
    """The process is asked what all workers counted."""


Told = Stop | Ask | Sum | Edit | Fault
Said = Ready | Leaving | Failed | Answer | Want
