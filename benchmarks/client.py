"""The load client, in a process and on a core of its own: `python -m benchmarks.client` reads a plan from its input.

While the clock runs it only keeps what comes, and notes when; what was said is checked afterwards. It says how busy it
was itself, so that nobody takes its own limit for a server's.
"""

import asyncio
import gc
import json
import os
import resource
import sys
import time
from typing import Any

import uvloop

from benchmarks.asking import body, request
from benchmarks.check import WrongOutputError, check
from benchmarks.machine import cpu_of_each, family
from benchmarks.medians import spread
from benchmarks.plan import Plan
from benchmarks.streams import Notes, Question, Stream, TimedStream, Whole

_LOOK = 0.02
_MOST = 768 * 1024 * 1024
"""Bytes that are kept at most; then the clock stops early."""


class Clock:
    """What is read as the clock starts, and as it stops."""

    def __init__(self, pids: list[int], streams: list[Stream], notes: Notes) -> None:
        self.marks = [len(stream.kept) for stream in streams]
        self.first, self.gaps = len(notes.first), len(notes.gaps)
        self.own = time.process_time()
        self.cpu = cpu_of_each(pids)
        self.time = time.perf_counter()


async def run(plan: Plan) -> dict[str, Any]:
    """Do what the plan says, and tell what was seen."""
    notes = Notes()
    asked = request(body(plan.wish, stream=plan.stream, messages=plan.messages, tools=plan.tools), plan.key, plan.path)
    kind = Whole if not plan.stream else TimedStream if plan.gaps else Stream
    streams = await _begin(plan, lambda: kind(plan, asked, notes))
    pids = [*family(plan.pid), *plan.others]
    if plan.hold:
        return await _hold(streams, notes)
    await asyncio.sleep(plan.warm)
    start = Clock(pids, streams, notes)
    await _wait(streams, start.time + plan.seconds)
    stop = Clock(pids, streams, notes)
    for stream in streams:
        stream.transport.abort()
    return _told(plan, streams, notes, start, stop)


async def _begin(plan: Plan, make: Any) -> list[Stream]:
    loop = asyncio.get_running_loop()
    streams: list[Stream] = []
    began = time.perf_counter()
    for number in range(plan.streams):
        transport, stream = await loop.create_connection(make, "127.0.0.1", plan.port)
        if plan.whose:
            stream.pid = await _pid_behind(transport, stream, plan.key)
        stream.ask()
        streams.append(stream)
        if plan.ramp:
            await asyncio.sleep(max(0.0, began + plan.ramp * (number + 1) / plan.streams - time.perf_counter()))
    return streams


async def _pid_behind(transport: Any, stream: Stream, key: str) -> int:
    """Ask a connection which process is at its other end: a connection stays with its process."""
    asking = Plan(port=0, pid=0, core=None, key=key, wish="pid 1 0", streams=1, stream=False)
    question = Question(asking, request(body(asking.wish, stream=False), key), Notes())
    transport.set_protocol(question)
    question.connection_made(transport)
    question.ask()
    await question.over
    transport.set_protocol(stream)
    reply = json.loads(b"".join(question.kept).partition(b"\r\n\r\n")[2])
    return int(reply["choices"][0]["message"]["content"])


async def _hold(streams: list[Stream], notes: Notes) -> dict[str, Any]:
    """Wait until each stream has begun, say so, and hold them until the input ends."""
    until = time.perf_counter() + 60
    while notes.begun < len(streams) and time.perf_counter() < until and not any(s.over.done() for s in streams):
        await asyncio.sleep(_LOOK)
    print(json.dumps({"held": notes.begun}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    return {"held": notes.begun, "lost": sum(stream.over.done() for stream in streams)}


async def _wait(streams: list[Stream], until: float) -> None:
    while time.perf_counter() < until and sum(stream.size for stream in streams) < _MOST:
        await asyncio.sleep(min(_LOOK, max(0.0, until - time.perf_counter())))


def _told(plan: Plan, streams: list[Stream], notes: Notes, start: Clock, stop: Clock) -> dict[str, Any]:
    passed = stop.time - start.time
    cpu = {pid: stop.cpu[pid] - start.cpu[pid] for pid in start.cpu if pid in stop.cpu}
    told: dict[str, Any] = {
        "seconds": passed,
        "cpu": sum(cpu.values()),
        "server_busy": sum(cpu.values()) / passed,
        "client_busy": (stop.own - start.own) / passed,
        # Of few replies in the time, all that were seen by then are told.
        "first": spread(notes.first[start.first : stop.first] or notes.first),
        "gaps": spread(notes.gaps[start.gaps : stop.gaps]),
    }
    try:
        told |= _counted(plan, streams, start, stop, cpu)
    except (WrongOutputError, ValueError, LookupError) as error:
        told["wrong"] = f"{type(error).__name__}: {error}"
    if plan.others:
        told["each"] = cpu
    return told


def _counted(plan: Plan, streams: list[Stream], start: Clock, stop: Clock, cpu: dict[int, float]) -> dict[str, Any]:
    """Check everything that came, and count what came while the clock ran."""
    tokens = replies = 0
    by_process: dict[int, int] = {}
    for stream, begin, end in zip(streams, start.marks, stop.marks, strict=True):
        seen = check(b"".join(stream.kept[:end]), plan.expected)
        before = check(b"".join(stream.kept[:begin]), plan.expected)
        if stream.over.done() and end == len(stream.kept):
            raise WrongOutputError("a connection was lost")
        tokens += seen.tokens - before.tokens
        replies += seen.replies - before.replies
        by_process[stream.pid] = by_process.get(stream.pid, 0) + seen.tokens - before.tokens
    processes = [{"cpu": cpu.get(pid, 0.0), "tokens": count} for pid, count in by_process.items()] if plan.whose else []
    return {"tokens": tokens, "replies": replies, "processes": processes}


def main() -> None:
    """Run the plan that stands in the first line of the input."""
    plan = Plan(**json.loads(sys.stdin.readline()))
    if plan.core is not None:
        os.sched_setaffinity(0, {plan.core})
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    gc.disable()  # nothing here is cyclic, and all of it is kept
    print(json.dumps(uvloop.run(run(plan))), flush=True)


if __name__ == "__main__":
    main()
