"""The race: in each round each contestant runs each workload once, in an order that is drawn anew, within a time."""

import datetime as dt
import random
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from benchmarks.machine import cpu_of_each, describe, memory
from benchmarks.scaling.contestants import LABELS, Contestant, Line
from benchmarks.workloads import Told, ask, hold

_BEGAN = time.monotonic()
_PACKAGES = ("mserve", "ray", "uvicorn", "uvloop", "asyncpg")
_IDLE = 200
"""Streams that say nothing, for their memory."""
_SETTLE = 1.0
_MEMORY = ("workers-1", "ray-1", "haproxy-1")
"""Whose memory is looked at, before they have had many streams: what is let go is given back to nobody."""


@dataclass(frozen=True)
class Workload:
    """What each contestant is asked."""

    label: str
    wish: str
    streams: int
    stream: bool = True
    gaps: bool = False
    ramp: float = 0.0
    warm: float = 0.3
    times: float = 1.0
    """How much longer than others it runs."""

    @property
    def tokens(self) -> int:
        """Tokens of a reply."""
        return int(self.wish.split()[1])

    @property
    def pause(self) -> float:
        """Seconds after each token."""
        return float(self.wish.split()[2])


WORKLOADS = {
    "burst-64": Workload("burst, 64 streams", "burst 200 0", 64),
    "whole-16": Workload("whole, 16 clients", "burst 20 0", 16, stream=False, times=0.7),
    "paced-50": Workload("50 ms a token, 50 streams", "paced 60 0.05", 50, gaps=True, ramp=0.5, warm=0.7, times=1.4),
    "paced-100": Workload("50 ms a token, 100 streams", "paced 60 0.05", 100, gaps=True, ramp=1.0, warm=1.2, times=1.4),
}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the caller asked for. No turn begins after `limit` seconds."""

    rounds: int
    seconds: float
    limit: float
    seed: int
    contestants: tuple[str, ...]

    @property
    def is_full(self) -> bool:
        """Whether it is the race that the documentation tells of."""
        return self.rounds >= 2 and self.seconds >= 1 and self.contestants == tuple(LABELS)


def run(wanted: Wanted) -> dict[str, Any]:
    """Run it all, and give all of its numbers."""
    machine = describe() | {"packages": _packages()}  # before there is anything of ours
    runs: list[Told] = []
    with ExitStack() as stack:
        line = Line(wanted.contestants, stack, say)
        _rounds(wanted, line, runs)
        absent = line.absent
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": machine,
        "rounds": wanted.rounds,
        "seconds": wanted.seconds,
        "seed": wanted.seed,
        "is_full": wanted.is_full and not absent,
        "absent": absent,
        "runs": runs,
    }


def _rounds(wanted: Wanted, line: Line, runs: list[Told]) -> None:
    order = random.Random(wanted.seed)  # noqa: S311  # an order, no secret
    for name in [name for name in _MEMORY if name in line.present]:
        contestant = line.present[name]
        _note(runs, 0, "idle", name, _guarded(contestant, None, wanted.seconds))
    for number in range(wanted.rounds):
        turns = [(name, workload) for name in line.present for workload in WORKLOADS]
        order.shuffle(turns)
        for name, workload in turns:
            if time.monotonic() - _BEGAN > wanted.limit:
                say(f"the time is over, in round {number + 1}: what is missing of it is missing")
                return
            told = _guarded(line.present[name], WORKLOADS[workload], wanted.seconds)
            _note(runs, number, workload, name, told)


def _guarded(contestant: Contestant, workload: Workload | None, seconds: float) -> Told:
    """Give what a turn told. One that fails spoils no other."""
    try:
        with contestant.turn():
            return _idle(contestant, seconds) if workload is None else _turn(contestant, workload, seconds)
    except OSError as error:  # a process that ended meanwhile
        return {"wrong": f"{type(error).__name__}: {error}"}


def _turn(contestant: Contestant, workload: Workload, seconds: float) -> Told:
    plan = contestant.plan(
        wish=workload.wish,
        streams=workload.streams,
        stream=workload.stream,
        gaps=workload.gaps,
        ramp=workload.ramp,
        warm=workload.warm,
        seconds=seconds * workload.times,
    )
    told = ask(plan)
    each = {int(pid): cpu for pid, cpu in told.pop("each", {}).items()}
    return told | {"cpu_by": by_role(contestant, each)}


def _idle(contestant: Contestant, seconds: float) -> Told:
    """Give the bytes that an idle stream takes of each part, and the cores that all take while nobody asks."""
    plan = contestant.plan(wish="paced 2 3600", streams=8, hold=True)
    with hold(plan):
        pass  # what is loaded or made at the first requests is nobody's
    time.sleep(_SETTLE)
    busy = by_role(contestant, _spent(contestant, seconds))
    before = by_role(contestant, {pid: memory([pid]) for pid in _known(contestant)})
    with hold(contestant.plan(wish="paced 2 3600", streams=_IDLE, hold=True)) as told:
        time.sleep(_SETTLE)
        after = by_role(contestant, {pid: memory([pid]) for pid in _known(contestant)})
    if told["held"] < _IDLE:
        return {"wrong": f"{told['held']} streams have begun, of {_IDLE}"}
    bytes_by = {role: (after[role] - before.get(role, 0)) / _IDLE for role in after if role != "rest"}
    return {"bytes_by": bytes_by, "at_rest": {role: cpu / seconds for role, cpu in busy.items()}}


def _known(contestant: Contestant) -> list[int]:
    """Give the processes that have a part: others may end while one looks."""
    return [pid for pid in contestant.pids() if contestant.role(pid) != "rest"]


def _spent(contestant: Contestant, seconds: float) -> dict[int, float]:
    before = cpu_of_each(contestant.pids())
    time.sleep(seconds)
    after = cpu_of_each(before)
    return {pid: after[pid] - before[pid] for pid in after}


def by_role(contestant: Contestant, values: Mapping[int, float]) -> dict[str, float]:
    """Add up what processes have, by their parts."""
    found: dict[str, float] = {}
    for pid, value in values.items():
        role = contestant.role(pid)
        found[role] = found.get(role, 0.0) + value
    return found


def _note(runs: list[Told], number: int, workload: str, name: str, told: Told) -> None:
    runs.append({"round": number, "workload": workload, "contestant": name, **told})
    say(f"round {number + 1} {workload} {name}: {_short(told)}")


def _short(told: Told) -> str:
    if "wrong" in told:
        return f"WRONG: {told['wrong']}"
    if "bytes_by" in told:
        return ", ".join(f"{role} {size:,.0f} bytes a stream" for role, size in told["bytes_by"].items())
    shares = ", ".join(f"{role} {cpu / told['seconds']:.0%}" for role, cpu in told["cpu_by"].items())
    return f"{told['tokens'] / told['seconds']:,.0f} tokens/s; {shares}; client {told['client_busy']:.0%}"


def _packages() -> str:
    return ", ".join(_versions(_PACKAGES))


def _versions(names: Iterable[str]) -> Iterable[str]:
    for name in names:
        try:
            yield f"{name} {version(name)}"
        except PackageNotFoundError:
            yield f"{name} none"


def say(text: str) -> None:
    """Say something to whoever waits."""
    print(f"{time.monotonic() - _BEGAN:6.1f} s  {text}", file=sys.stderr, flush=True)
