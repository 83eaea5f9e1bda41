"""Who takes part: `mserve run` with one worker and two, one that keeps all, and Ray by either proxy and by none."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.contestants import KEY, CannotServeError, Contender, Server, ours
from benchmarks.machine import command_line, cores, family
from benchmarks.plan import Plan
from benchmarks.scaling.clustering import Cluster, environment
from mserve.server.ray.plan import ENVIRONMENT

LABELS = {
    "workers-1": "`mserve run --workers 1`",
    "workers-2": "`mserve run --workers 2`",
    "kept-1": "`mserve run --workers 1`, all kept in PostgreSQL",
    "ray-1": "`mserve deploy --replicas 1`",
    "ray-2": "`mserve deploy --replicas 2`",
    "haproxy-1": "the same with 1 replica, on a cluster with Ray's HAProxy",
    "direct-1": "the same with 1 replica, its ingress asked without Ray's proxy",
}
ROLES = ("server", "proxy", "ingress", "replica", "store", "rest")
"""The parts that processes have; the rest is Ray's own housekeeping."""
_KEPT = ("--on-disconnect", "detach")


@dataclass(frozen=True)
class Contestant:
    """One that serves, and the processes that do."""

    name: str
    port: int
    pids: Callable[[], list[int]]
    role: Callable[[int], str]
    path: str = ""
    servers: tuple[Server, ...] = ()
    """Those that rest while it is not their turn. Ray does not: it would miss what it asks of itself."""

    def plan(self, **wanted: Any) -> Plan:
        """Give what the client is to do with it, on whichever core."""
        pid, *others = self.pids()
        others = [one for one in others if one not in family(pid)]
        return Plan(port=self.port, pid=pid, others=others or [pid], core=None, key=KEY, path=self.path, **wanted)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Let it run."""
        for server in self.servers:
            server.wake()
        try:
            yield
        finally:
            for server in self.servers:
                server.rest()


class Line:
    """All that are there; who could not be started is absent, with the reason."""

    def __init__(self, names: tuple[str, ...], stack: ExitStack, say: Callable[[str], None]) -> None:
        self.present: dict[str, Contestant] = {}
        self.absent: dict[str, str] = {}
        self._stack = stack
        self._say = say
        self._clusters: dict[bool, Cluster] = {}
        makers = {
            "workers-1": self._workers,
            "workers-2": self._workers,
            "kept-1": self._kept,
            "ray-1": self._ray,
            "ray-2": self._ray,
            "haproxy-1": self._haproxy,
            "direct-1": self._direct,
        }
        for name in names:
            self._start(name, makers[name])

    def _start(self, name: str, make: Callable[[str], Contestant]) -> None:
        try:
            self.present[name] = make(name)
        except (CannotServeError, OSError) as error:
            self.absent[name] = str(error)
            self._say(f"{name} cannot be started: {error}")
        else:
            self._say(f"{name} is there")
            for server in self.present[name].servers:
                server.rest()

    def _serve(self, contender: Contender) -> Server:
        return self._stack.enter_context(Server(contender, cores=set(cores())))

    def _workers(self, name: str) -> Contestant:
        server = self._serve(ours("--workers", name[-1]))
        return Contestant(name, server.port, lambda: family(server.pid), lambda _: "server", servers=(server,))

    def _kept(self, name: str) -> Contestant:
        try:
            from postgres import Postgres  # noqa: PLC0415  # the tests' own, which make bench-ray has on its path

            database = self._stack.enter_context(Postgres())
        except (ImportError, AssertionError) as error:
            raise CannotServeError(f"no PostgreSQL: {error}") from None
        server = self._serve(ours(*_KEPT, "--store", database.empty()))
        folder = str(database.folder)
        root = next(pid for pid in family(os.getpid()) if folder in command_line(pid))

        def pids() -> list[int]:
            return [*family(server.pid), *family(root)]

        def role(pid: int) -> str:
            return "server" if pid in family(server.pid) else "store"

        return Contestant(name, server.port, pids, role, servers=(server,))

    def _of_ray(self, *, haproxy: bool = False) -> Cluster:
        if haproxy not in self._clusters:
            self._clusters[haproxy] = self._stack.enter_context(Cluster(haproxy=haproxy))
        return self._clusters[haproxy]

    def _ray(self, name: str) -> Contestant:
        return self._deployed(name, self._of_ray())

    def _haproxy(self, name: str) -> Contestant:
        return self._deployed(name, self._of_ray(haproxy=True))

    def _deployed(self, name: str, cluster: Cluster) -> Contestant:
        port = cluster.deploy(name, int(name[-1]))
        return Contestant(name, port, lambda: family(cluster.pid), cluster.role(name), path=f"/{name}")

    def _direct(self, name: str) -> Contestant:
        """Ask the replica that is behind the proxy, too."""
        if "ray-1" not in self.present:
            raise CannotServeError("it needs ray-1")
        cluster = self._of_ray()
        command = [sys.executable, "-m", "benchmarks.scaling.direct", cluster.address, "ray-1"]
        server = self._serve(Contender(name, name, command, environment=environment() | ENVIRONMENT))
        behind = cluster.role("ray-1")

        def role(pid: int) -> str:
            if pid == server.pid:
                return "ingress"
            return "replica" if behind(pid) == "replica" else "rest"

        return Contestant(name, server.port, lambda: [*family(server.pid), *family(cluster.pid)], role)
