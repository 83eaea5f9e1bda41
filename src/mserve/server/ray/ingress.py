"""What Ray's proxy asks: the app of `mserve run`, whose programs are on replicas of their own. Runs no user code."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from ray import serve
from ray.serve.handle import DeploymentHandle

from mserve.options import Options
from mserve.program import Traits
from mserve.web.app import App

from .plan import Logs
from .remote import RemoteProgram


class Described(Struct, frozen=True, kw_only=True):
    """What an ingress has to know of a program that it cannot import."""

    name: str
    declares: frozenset[str]
    traits: Traits


class Ingress:
    """A replica that speaks every protocol. It opens no program: Ray opens those, each with its replica."""

    def __init__(
        self, described: Sequence[Described], handles: Sequence[DeploymentHandle[Any]], options: Options, logs: Logs
    ) -> None:
        logs.set_up()
        programs = [
            RemoteProgram(one.name, one.declares, one.traits, handle, options.times.queue)
            for one, handle in zip(described, handles, strict=True)
        ]
        self._app = App(programs, options)

    def __serve_build_asgi_app__(self) -> App:  # noqa: PLW3201  # Ray's own name
        """Give what Ray's replica hands requests to; it is opened and closed by the lifespan messages."""
        return self._app


Served = serve.ingress()(Ingress)
"""As Ray wants it."""
