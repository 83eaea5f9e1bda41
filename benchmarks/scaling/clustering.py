"""A Ray cluster of the race's own on this machine, and what is deployed on it."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Self

from benchmarks.contestants import KEY, PROGRAM, CannotServeError, free_port
from benchmarks.machine import command_line, family

_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # loopback alone, whatever other addresses this machine has
    "MSERVE_API_KEY": f"bench:{KEY}",
}
_CLUSTER = """
import signal
from ray.cluster_utils import Cluster

node = {"num_cpus": 32, "object_store_memory": 80_000_000, "include_dashboard": False}
cluster = Cluster(initialize_head=True, head_node_args=node)
print("address", cluster.address, flush=True)
signal.sigwait({signal.SIGTERM, signal.SIGINT})
cluster.shutdown()
"""
"""Its processors are numbers that Ray counts by: the machine has what it has, and all share it."""
_START = 90.0
_END = 20.0
_SERVING = re.compile(r"Serving .* at \S+:(?P<port>\d+)/")
_REPLICA = re.compile(r"ray::ServeReplica:(?P<app>[^:]+):(?P<deployment>[\w-]+)")


class Cluster:
    """One node. What runs on it ends with it."""

    def __init__(self, *, haproxy: bool = False) -> None:
        self._environment = environment() | {"RAY_SERVE_ENABLE_HA_PROXY": str(int(haproxy))}
        self._log: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed with the cluster
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CLUSTER],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=self._environment,
            start_new_session=True,
        )
        assert self._process.stdout is not None  # noqa: S101  # for the type checker
        said, _, self.address = self._process.stdout.readline().strip().partition(" ")
        if said != "address":
            reason = self._said()
            self.close()
            raise CannotServeError(reason)
        self._port = free_port()

    @property
    def pid(self) -> int:
        """The process that all of the cluster descends from."""
        return self._process.pid

    def deploy(self, app: str, replicas: int, *flags: str) -> int:
        """Deploy the race's program, and give the port that Ray's proxy listens on."""
        command = [sys.executable, "-m", "mserve", "deploy", str(PROGRAM), "--no-access-log"]
        command += ["--address", self.address, "--port", str(self._port), "--app", app]
        command += ["--route-prefix", f"/{app}", "--cpus", "0.5", "--ingress-cpus", "0.5"]
        command += ["--replicas", str(replicas), *flags]
        try:
            done = subprocess.run(
                command, env=self._environment, capture_output=True, text=True, timeout=_START, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise CannotServeError(f"mserve deploy took longer than {_START:g} s: {error.output!r:.400}") from None
        found = _SERVING.search(" ".join(done.stdout.split()))
        if done.returncode or found is None:
            raise CannotServeError((done.stdout + done.stderr)[-800:])
        return int(found["port"])

    def role(self, app: str) -> Callable[[int], str]:
        """Give what names a process's part in serving one application."""
        return lambda pid: role(command_line(pid), app)

    def close(self) -> None:
        """End it, and everything that runs on it."""
        members = family(self.pid)
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END)
        for pid in reversed(members):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _said(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END)
        self._log.seek(0)
        return self._log.read()[-800:] or "the cluster said nothing"


def environment() -> dict[str, str]:
    """Give what processes of Ray's are told."""
    return os.environ | _ENVIRONMENT


def role(line: str, app: str) -> str:
    """Name the part that a process of the cluster has in serving an application, by its command line."""
    if line.startswith(("ray::ProxyActor", "ray::HAProxy", "haproxy")):
        return "proxy"
    found = _REPLICA.match(line)
    if found is None or found["app"] != app:
        return "rest"
    return "ingress" if found["deployment"] == "ingress" else "replica"
