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
cluster.add_node(num_cpus=32, object_store_memory=80_000_000)
print("address", cluster.address, flush=True)
signal.sigwait({signal.SIGTERM, signal.SIGINT})
cluster.shutdown()
"""
_START_LIMIT = 90.0
_SERVING = re.compile(r"Serving .* at (?P<url>\S+)")
_apps = itertools.count(1)


class RayCluster:
    """Two nodes. What runs on them ends with them."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CLUSTER], stdout=subprocess.PIPE, text=True, env=os.environ | _ENV
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith("address "), line
        self.address = line.split()[1]
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
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._ending.append(subprocess.Popen(command, env=os.environ | _ENV, **quiet))

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


class RayServer:
    """Programs on Ray: what `ServerProcess` is to `mserve run`."""

    def __init__(self, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        self.app = f"app{next(_apps)}"
        self._arguments = ("--app", self.app, "--route-prefix", f"/{self.app}", "--cpus", "0.5", *arguments)
        # A server of the tests' has a file for its runs, which replicas cannot share.
        self._env = dict(env or {})
        if self._env.get("MSERVE_STORE", "").startswith("sqlite:"):
            del self._env["MSERVE_STORE"]
        self.base_url = ""
        self.output = ""

    def wait_until_ready(self) -> None:
        self.deploy()

    def deploy(self, *arguments: str) -> None:
        """Deploy it, or update it."""
        done = cluster().deploy(*self._arguments, *arguments, env=self._env)
        self.output += done.stdout + done.stderr
        assert done.returncode == 0, self.output
        found = _SERVING.search(done.stdout)
        assert found is not None, self.output
        self.base_url = found["url"]

    def replicas(self, deployment: str) -> set[int]:
        return cluster().replicas(self.app, deployment)

    def stop(self) -> None:
        """Take it down, and let others go on meanwhile."""
        cluster().take_down(self.app)


def until(true: Callable[[], object], limit: float = 30.0, what: str = "it") -> float:
    """Wait until a call gives something true; tell how long that took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < limit, f"{what} did not happen in {limit} s"
        time.sleep(0.02)
    return time.monotonic() - began
