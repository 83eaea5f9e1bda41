"""A Ray cluster of the tests' own, two nodes on this machine, and `mserve deploy` on it as a user calls it."""

import atexit
import itertools
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from postgres import Postgres
from processes import ServerProcess

_ENV = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # loopback alone, whatever other addresses this machine has
    "RAY_DEDUP_LOGS": "0",
}
_CLUSTER = """
import os, signal, sys
from ray.cluster_utils import Cluster

node = {"num_cpus": 32, "object_store_memory": 80_000_000, "include_dashboard": False}
cluster = Cluster(initialize_head=True, head_node_args=node)
if os.environ.get("RAY_SERVE_ENABLE_HA_PROXY") != "1":  # whose ports are a machine's, not a node's
    cluster.add_node(num_cpus=32, object_store_memory=80_000_000)
nodes = [cluster.head_node, *cluster.worker_nodes]
ports = [str(node.metrics_export_port) for node in nodes]
print("address", cluster.address, cluster.head_node.get_session_dir_path(), *ports, flush=True)
signal.sigwait({signal.SIGTERM, signal.SIGINT})
cluster.shutdown()
"""
ON_RAY = "MSERVE_TEST_ON_RAY" in os.environ
"""Whether what starts `mserve run` elsewhere starts `mserve deploy`."""
_START_LIMIT = 90.0
_SERVING = re.compile(r"Serving .* at (?P<url>\S+)")
_apps = (f"app{number}{os.environ.get('PYTEST_XDIST_WORKER', '')}" for number in itertools.count(1))
"""Names that no other cluster of this machine has: replicas are found by them."""


class RayCluster:
    """What runs on it ends with it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CLUSTER], stdout=subprocess.PIPE, text=True, env=os.environ | _ENV
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith("address "), line
        _, self.address, folder, *self.metrics_ports = line.split()
        self.folder = Path(folder)
        self._ending: list[subprocess.Popen[bytes]] = []
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        for ending in self._ending:
            ending.kill()
            ending.wait()

    def deploy(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "mserve", "deploy", "--address", self.address, "--port", str(self.port)]
        return subprocess.run(
            [*command, *arguments],
            env=os.environ | _ENV | dict(env or {}),
            capture_output=True,
            text=True,
            timeout=_START_LIMIT,
            check=False,
        )

    def take_down(self, app: str) -> None:
        command = [sys.executable, "-m", "mserve", "deploy", "--delete", "--app", app, "--address", self.address]
        quiet = subprocess.DEVNULL
        self._ending.append(subprocess.Popen(command, env=os.environ | _ENV, stdout=quiet, stderr=quiet))

    def replicas(self, app: str, deployment: str) -> set[int]:
        """The processes of a deployment's replicas."""
        title = f"ray::ServeReplica:{app}:{deployment}"
        found = set()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                said = (folder / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if re.match(rf"{re.escape(title)}(?![\w-])", said):
                found.add(int(folder.name))
        return found


_cluster: list[RayCluster] = []


def cluster() -> RayCluster:
    """The one cluster of this session, from its first use to its end."""
    if not _cluster:
        _cluster.append(RayCluster())
        atexit.register(_cluster[0].stop)
    return _cluster[0]


class RayServer(ServerProcess):
    """Programs on Ray: what another `ServerProcess` is to `mserve run`."""

    def __init__(self, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        self.app = next(_apps)
        self._arguments = ("--app", self.app, "--route-prefix", f"/{self.app}", "--cpus", "0.5", *arguments)
        self._env = dict(env or {})
        self.base_url = ""
        self.said = ""

    @property
    def output(self) -> str:
        """What all replicas of the cluster have logged so far."""
        logs = cluster().folder / "logs"
        return "".join(file.read_text(errors="replace") for file in sorted(logs.glob("worker-*.[eo]*")))

    def wait_until_ready(self) -> None:
        if not self.base_url:
            self.deploy()

    def wait_for(self, pattern: str, limit: float = 5.0) -> re.Match[str]:
        until(lambda: re.search(pattern, self.output), limit, pattern)
        found = re.search(pattern, self.output)
        assert found is not None
        return found

    def deploy(self, *arguments: str) -> None:
        """Deploy it, or update it."""
        done = cluster().deploy(*self._arguments, *arguments, env=self._env)
        self.said += done.stdout + done.stderr
        assert done.returncode == 0, self.said
        found = _SERVING.search(done.stdout)
        assert found is not None, self.said
        self.base_url = found["url"]

    def replicas(self, deployment: str) -> set[int]:
        """The processes of a program's replicas, or of the `ingress`'s."""
        return cluster().replicas(self.app, deployment)

    def stop(self, how: int = signal.SIGTERM) -> int:
        """Take it down, and let others go on meanwhile."""
        del how
        cluster().take_down(self.app)
        return 0


class _Kept(RayServer):
    """One that all modules share: to deploy the same again takes its time, and ends with the cluster."""

    def stop(self, how: int = signal.SIGTERM) -> int:
        del how
        return 0


_kept: dict[tuple[str, ...], RayServer] = {}


def server_on_ray(*arguments: str, env: Mapping[str, str]) -> ServerProcess:
    """Give programs on Ray to a test that was written for `mserve run`."""
    options = tuple(f"{name}={value}" for name, value in env.items() if not value.startswith("sqlite:"))
    key = (*arguments, *options)
    if key not in _kept:
        _kept[key] = _Kept(*arguments, env={**env, "MSERVE_STORE": postgresql()} if "MSERVE_STORE" in env else env)
    return _kept[key]


_postgres: list[Postgres] = []


def postgresql() -> str:
    """Give the address of a store for all replicas of this session."""
    if not _postgres:
        _postgres.append(Postgres().__enter__())
        atexit.register(_postgres[0].__exit__, None, None, None)
    return _postgres[0].empty()


def until(true: Callable[[], object], limit: float = 30.0, what: str = "it") -> float:
    """Wait until a call gives something true; tell how long that took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < limit, f"{what} did not happen in {limit} s"
        time.sleep(0.02)
    return time.monotonic() - began
