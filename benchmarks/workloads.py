"""What the contenders are asked to do, each in its turn."""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.contestants import KEY, Server, ours
from benchmarks.machine import cores, family, memory
from benchmarks.plan import Plan

_ROOT = Path(__file__).parent.parent
_TIMEOUT = 180.0
_SETTLE = 1.0
"""Seconds in which a server lets go of what it needs no more."""
Told = dict[str, Any]


@dataclass(frozen=True)
class Workload:
    """One that all contenders run, in each round."""

    name: str
    label: str
    wish: str
    streams: int
    stream: bool = True
    messages: int = 2
    tools: bool = False
    ramp: float = 0.0
    times: int = 1
    """How much longer than others it runs."""

    @property
    def counts(self) -> str:
        """What is counted: tokens, or replies where a reply is short."""
        return "tokens" if self.stream and not self.tools else "replies"

    def plan(self, server: Server, seconds: float) -> Plan:
        """Give what the client is to do with a contender."""
        return Plan(
            port=server.port,
            pid=server.pid,
            core=cores()[1],
            key=KEY,
            wish=self.wish,
            streams=self.streams,
            stream=self.stream,
            messages=self.messages,
            tools=self.tools,
            done=server.contender.done,
            ramp=self.ramp,
            gaps=self.name == "paced",
            seconds=seconds * self.times,
        )


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("burst-16", "burst, 16 streams", "burst 200 0", 16),
        Workload("burst-64", "burst, 64 streams", "burst 200 0", 64),
        Workload("tick-16", "tick, 16 streams", "tick 200 0", 16),
        Workload("tick-64", "tick, 64 streams", "tick 200 0", 64),
        Workload("whole-1", "whole, 1 client", "burst 20 0", 1, stream=False),
        Workload("whole-64", "whole, 64 clients", "burst 20 0", 64, stream=False),
        Workload("tools-2", "2 messages and 5 tools", "burst 20 0", 16, tools=True),
        Workload("tools-30", "30 messages and 5 tools", "burst 20 0", 16, messages=30, tools=True),
        Workload("paced", "paced, 500 streams", "paced 100 0.02", 500, ramp=2.0, times=3),
    )
}


def ask(plan: Plan) -> Told:
    """Run a client through a plan."""
    client = [sys.executable, "-m", "benchmarks.client"]
    try:
        done = subprocess.run(
            client, input=plan.line(), stdout=subprocess.PIPE, cwd=_ROOT, timeout=_TIMEOUT, check=True
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        return {"wrong": f"the client ended: {error}"}
    told: Told = json.loads(done.stdout)
    return told


def is_limited_by_client(told: Mapping[str, Any]) -> bool:
    """Tell whether the client was at its limit, and the server was not: then the number is the client's."""
    return bool(told.get("client_busy", 0) > 0.9 and told["server_busy"] < 0.9)


def run(workload: Workload, server: Server, seconds: float) -> Told:
    """Give what a contender did; once more where the client was the limit."""
    told = ask(workload.plan(server, seconds))
    if is_limited_by_client(told):
        told = ask(workload.plan(server, seconds))
    return told


# What is asked of some alone, each time of a new server.


def _held(server: Server, streams: int, messages: int) -> AbstractContextManager[Told]:
    plan = Plan(
        port=server.port,
        pid=server.pid,
        core=cores()[1],
        key=KEY,
        wish="paced 2 3600",
        streams=streams,
        messages=messages,
        hold=True,
    )
    return hold(plan)


@contextmanager
def hold(plan: Plan) -> Iterator[Told]:
    """Hold streams that have begun and say no more."""
    client = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.client"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_ROOT
    )
    assert client.stdin is not None  # noqa: S101  # for the type checker
    assert client.stdout is not None  # noqa: S101
    told: Told = {"held": 0}
    with client, client.stdout:
        client.stdin.write(plan.line())
        client.stdin.flush()
        told |= json.loads(client.stdout.readline() or "{}")
        yield told
        client.stdin.close()
        told |= json.loads(client.stdout.readline() or '{"lost": 0}')
        client.stdin = None  # it is closed


def idle(server: Server, messages: int, streams: int = 1000) -> Told:
    """Give the memory that each idle stream takes."""
    with _held(server, 4, messages):
        pass  # what is loaded or made at the first request is nobody's
    time.sleep(_SETTLE)
    before = memory(family(server.pid))
    with _held(server, streams, messages) as told:
        time.sleep(_SETTLE)
        each = (memory(family(server.pid)) - before) / streams
    if told["held"] < streams:
        return told | {"wrong": f"{told['held']} streams have begun, of {streams}"}
    return told | {"bytes": each}


def many_idle(streams: int = 10_000) -> Told:
    """Hold as many idle streams as a server lets in, with room in all of its limits."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= most < streams + 200:  # less than nothing is no limit
        return {"skipped": f"a process may open {most} files here"}
    flags = ("--max-runs", str(streams + 100), "--limit-connections", str(streams + 100))
    with Server(ours(*flags), cores={cores()[0]}) as server:
        return idle(server, 1, streams)


LENGTHS = (100, 300, 1000, 3000, 10_000)


def length(server: Server, kind: str, tokens: int, seconds: float) -> Told:
    """Give the time that tokens take in replies of some length."""
    return ask(replace(WORKLOADS["burst-16"].plan(server, seconds), wish=f"{kind} {tokens} 0"))


STREAMS = {16: 0.002, 64: 0.008, 250: 0.031, 1000: 0.125}
"""Streams, and the pauses with which all of them together say 8,000 tokens a second."""


def streams(server: Server, count: int, seconds: float) -> Told:
    """Give the time that tokens take, of few streams or of many, as many tokens a second in all."""
    plan = WORKLOADS["paced"].plan(server, seconds)
    # All have begun before the clock starts, and none ends before it stops: what beginning costs is not looked at.
    return ask(replace(plan, wish=f"paced 10000 {STREAMS[count]}", streams=count, gaps=False))


def has_workers() -> bool:
    """Tell whether this version of mserve has workers."""
    shown = subprocess.run(
        [sys.executable, "-m", "mserve", "run", "--help"], capture_output=True, text=True, check=True
    )
    return "--workers" in shown.stdout


def workers(count: int, seconds: float) -> Told:
    """Give what workers do with all cores, which the client has a part of, too; one worker stays on its own core.

    In bursts: in *tick*, fewer streams fill a write with more tokens each, and a token costs less for that alone.
    """
    server_core, client_core = cores()
    flags = () if count == 1 else ("--workers", str(count))
    with Server(ours(*flags), cores={server_core} if count == 1 else {server_core, client_core}) as server:
        plan = WORKLOADS["burst-64"].plan(server, 2 * seconds)
        return ask(replace(plan, core=client_core if count == 1 else None, whose=True))
