"""A user's program, ready to run: found, bound and adapted."""

from collections.abc import AsyncGenerator, Callable
from types import ModuleType
from typing import Any

from msgspec import Struct

from mserve.errors import LoadError
from mserve.events import Event
from mserve.program import Call, Lifespan, Traits

from .adapt import adapt, is_sync
from .bind import Binding, bind
from .load import Source, find, line_of
from .sharing import warn_of_module
from .traits import traits_of


class UserProgram(Struct, frozen=True):
    """What the runs see of a user's code: a `Program`."""

    name: str
    place: str
    lifespan: Lifespan | None
    traits: Traits
    _serve: Callable[..., Any]
    _binding: Binding
    sync: bool

    @property
    def declares(self) -> frozenset[str]:
        """The names of the parameters that the program takes."""
        return self._binding.declares

    def run(self, call: Call) -> AsyncGenerator[Event, None]:
        """Answer once; see `Program.run`."""
        serve, binding = self._serve, self._binding
        return adapt(lambda: serve(**binding.arguments(call)), sync=self.sync, name=self.name, line=call.line)


def load(*sources: Source, names: tuple[str, ...] = (), lifespan: Lifespan | None = None) -> tuple[UserProgram, ...]:
    """Load programs; `names` replace their own, in order, and `lifespan` stands in where a program has none.

    `LoadError` for what cannot be loaded, and for two programs of one name.
    """
    if not sources:
        raise LoadError("there is nothing to serve: name a Python file that has a serve() function")
    if len(names) > len(sources):
        raise LoadError(f"there are {len(names)} names for {len(sources)} programs")
    programs: dict[str, UserProgram] = {}
    modules: dict[str, ModuleType] = {}
    for number, source in enumerate(sources):
        found = find(source)
        name = names[number] if number < len(names) else found.name
        if name in programs:
            raise LoadError(
                f"{found.place} and {programs[name].place} are both called {name!r}: clients could not choose; "
                "name them with --name, one for each program"
            )
        binding = bind(found.serve, line_of(found.serve, found.place))
        programs[name] = UserProgram(
            name,
            found.place,
            found.lifespan or lifespan,
            traits_of(found.serve),
            found.serve,
            binding,
            is_sync(found.serve),
        )
        if found.module is not None:
            modules[found.module.__name__] = found.module
    for module in modules.values():
        warn_of_module(module)
    return tuple(programs.values())
