"""The race: in each round each contender runs each workload once, in an order that is drawn anew."""

import datetime as dt
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import workloads
from benchmarks.contestants import CONTENDERS, OTHERS, CannotServeError, Server
from benchmarks.machine import cores, describe
from benchmarks.workloads import LENGTHS, STREAMS, WORKLOADS, Told

EXTRAS = ("idle", "idle-many", "length", "streams", "workers")
"""What is asked of some alone."""
_BEGAN = time.monotonic()
_IDLE = ("ours", "m-serve", "raw")
_ROUNDS_OF_IDLE = 2
_ROUNDS_OF_EXTRAS = 3
_OWN = ("mserve", "uvicorn", "uvloop", "httptools", "starlette", "msgspec")
_THEIRS = ("mellea", "litserve", "hayhooks", "fastapi", "pydantic", "uvicorn", "uvloop", "httptools", "starlette")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the caller asked for."""

    rounds: int
    seconds: float
    seed: int
    contenders: tuple[str, ...]
    workloads: tuple[str, ...]

    @property
    def is_full(self) -> bool:
        """Whether it is the race that the documentation tells of."""
        everything = (*WORKLOADS, *EXTRAS)
        return self.rounds >= 3 and self.contenders == tuple(CONTENDERS) and self.workloads == everything


class Race:
    """A race that runs; `runs` holds each run's numbers."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._random = random.Random(wanted.seed)  # noqa: S311  # an order, no secret
        self._present: list[str] = []
        self._servers: dict[str, Server] = {}  # those that rest between their turns
        self._absent: dict[str, str] = {}
        self._runs: list[Told] = []

    def run(self) -> dict[str, Any]:
        """Run it all, and give all of its numbers."""
        machine = describe()  # before there is anything of ours
        with ExitStack() as stack:
            for name in self._wanted.contenders:
                self._start(name, stack)
            for number in range(self._wanted.rounds):
                self._round(number)
                self._extras(number)
        return {
            "date": dt.datetime.now(dt.UTC).date().isoformat(),
            "machine": machine
            | {"with mserve": _packages(sys.executable, _OWN), "with others": _packages(OTHERS, _THEIRS)},
            "rounds": self._wanted.rounds,
            "seconds": self._wanted.seconds,
            "seed": self._wanted.seed,
            "is_full": self._wanted.is_full,
            "absent": self._absent,
            "runs": self._runs,
        }

    def _start(self, name: str, stack: ExitStack) -> None:
        try:
            server = stack.enter_context(_serve(name))
        except CannotServeError as error:
            self._absent[name] = str(error)
            _say(f"{name} cannot be started: {error}")
        else:
            self._present.append(name)
            if CONTENDERS[name].leaves_off:
                server.rest()
                self._servers[name] = server
            else:
                server.close()

    def _round(self, number: int) -> None:
        names = [name for name in self._wanted.workloads if name in WORKLOADS]
        turns = [(contender, name) for contender in self._present for name in names]
        self._random.shuffle(turns)
        for contender, name in turns:
            with self._turn(contender) as server:
                told = workloads.run(WORKLOADS[name], server, self._wanted.seconds)
            self._note(number, name, contender, told)

    @contextmanager
    def _turn(self, contender: str) -> Iterator[Server]:
        """Let a contender run, and no other."""
        if contender in self._servers:
            server = self._servers[contender]
            server.wake()
            try:
                yield server
            finally:
                server.rest()
        else:
            with _serve(contender) as server:
                yield server

    def _extras(self, number: int) -> None:
        wanted, seconds = self._wanted.workloads, self._wanted.seconds
        if "idle" in wanted and number < _ROUNDS_OF_IDLE:
            self._idle(number)
        if "ours" not in self._present:
            return
        if "idle-many" in wanted and number == 0:
            self._note(number, "idle-many", "ours", workloads.many_idle())
        if number < _ROUNDS_OF_EXTRAS:
            if "length" in wanted:
                for kind in ("burst", "tick"):
                    steps = {tokens: (kind, tokens, seconds) for tokens in LENGTHS}
                    self._of_ours(number, f"length-{kind}", workloads.length, steps.items())
            if "streams" in wanted:
                self._of_ours(number, "streams", workloads.streams, ((c, (c, seconds)) for c in STREAMS))
            if "workers" in wanted and workloads.has_workers():
                for count in (1, 2):
                    self._note(number, f"workers-{count}", "ours", workloads.workers(count, seconds))

    def _of_ours(
        self, number: int, name: str, measure: Callable[..., Told], steps: Iterable[tuple[int, tuple[Any, ...]]]
    ) -> None:
        with self._turn("ours") as server:
            for size, arguments in steps:
                self._note(number, name, "ours", measure(server, *arguments) | {"size": size})

    def _idle(self, number: int) -> None:
        turns = [(name, messages) for name in self._present if name in _IDLE for messages in (1, 100)]
        self._random.shuffle(turns)
        for name, messages in turns:
            with _serve(name) as server:
                told = workloads.idle(server, messages)
            self._note(number, f"idle-{messages}", name, told)

    def _note(self, number: int, workload: str, contender: str, told: Told) -> None:
        self._runs.append({"round": number, "workload": workload, "contender": contender, **told})
        _say(f"round {number + 1} {workload} {contender}: {_short(told)}")


def _serve(name: str) -> Server:
    return Server(CONTENDERS[name], cores={cores()[0]})


def _packages(python: str | Path, names: Iterable[str]) -> str:
    """Give the versions of packages in an environment; nothing where there is none."""
    script = "import sys, importlib.metadata as m; print(*(f'{n} {m.version(n)}' for n in sys.argv[1:]), sep=', ')"
    try:
        done = subprocess.run([python, "-c", script, *names], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def _short(told: Told) -> str:
    if "wrong" in told:
        return f"WRONG: {told['wrong']}"
    if "skipped" in told:
        return f"not tried: {told['skipped']}"
    if "held" in told:
        return f"{told['held']} held, {told.get('bytes', 0):.0f} bytes each"
    size = f"{told['size']}: " if "size" in told else ""
    rate = told["tokens"] / told["seconds"]
    return f"{size}{rate:,.0f} tokens/s, server {told['server_busy']:.0%}, client {told['client_busy']:.0%}"


def _say(text: str) -> None:
    print(f"{time.monotonic() - _BEGAN:6.1f} s  {text}", file=sys.stderr, flush=True)
