"""Counts what the app does for a token, for a request and to hold a stream, and prints it as JSON.

A process of its own, which nothing else may trace. Every number is one of a difference: what a thing costs is what one
more of it adds. Time is no part of any of them, so that a loaded machine counts what an idle one counts.
"""

import asyncio
import gc
import json
import math
import sys
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

import uvloop

import benchmarks.micro.host
from benchmarks.asking import body
from benchmarks.micro.host import Asker
from mserve import create_app
from mserve.options import Limits, Options, Times
from mserve.programs import turns
from mserve.web.app import App

FEW, MANY = 512, 2048
"""Tokens of two replies. The log holds 256: whatever happens once for each time that it is full happens in both."""
STREAMS = 200

_NOT_OURS = {__file__, benchmarks.micro.host.__file__}

GATHERED = Options(limits=Limits(log_events=10_000, log_chars=10**6), times=Times(gather=0.5))
"""All that follows the first token goes out in one write: it is said long before that is due, and the log has room."""
AT_ONCE = Options(times=Times(gather=0))


class Turn:
    """One turn of the loop, by nothing that would have to be counted."""

    def __await__(self) -> Generator[None, None, None]:
        yield


async def serve(prompt: str) -> AsyncIterator[str]:
    """Say some words: in one go, or each in a turn of the loop of its own, or one and then nothing for ever."""
    kind, count = prompt.split()
    word = "wörd " if kind == "umlauts" else "word "
    for _ in range(int(count)):
        if kind == "tick":
            await Turn()
        yield word
    if kind == "idle":
        await asyncio.get_running_loop().create_future()


@dataclass
class Work:
    """What was done: instructions of Python's, and calls, of Python's functions, of C's, and back into a generator."""

    bytecodes: float = 0
    calls: float = 0

    def start(self) -> None:
        """Count from now on, on this thread."""
        sys.setprofile(self._profile)
        sys.settrace(self._trace)

    def stop(self) -> None:
        """Count no more."""
        sys.settrace(None)
        sys.setprofile(None)

    def _trace(self, frame: FrameType, event: str, _value: Any) -> Any:
        if event == "call":
            if _is_ours(frame.f_code):
                return None
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        elif event == "opcode":
            self.bytecodes += 1
        return self._trace

    def _profile(self, frame: FrameType, event: str, _value: Any) -> None:
        if event in ("call", "c_call") and not _is_ours(frame.f_code):
            self.calls += 1


def _is_ours(code: CodeType) -> bool:
    return code.co_filename in _NOT_OURS


async def worked(app: App, wish: str, *, stream: bool, messages: int = 2) -> Work:
    """Give what one request takes."""
    asked = body(wish, stream=stream, messages=messages, tools=True)
    work = Work()
    gc.collect()
    work.start()
    try:
        told = await Asker(asked).ask(app)
    finally:
        work.stop()
    if told.count(b"rd ") != int(wish.split()[1]):
        raise RuntimeError(f"{wish} was not answered as it should be")
    return work


def each(few: Work, many: Work, count: int) -> Work:
    """Give what one of so many things took, that were done besides."""
    return Work((many.bytecodes - few.bytecodes) / count, (many.calls - few.calls) / count)


async def for_a_token(options: Options, kind: str, *, stream: bool) -> Work:
    """Give what one more token takes."""
    app = create_app(serve, options=options)
    await worked(app, f"{kind} {FEW}", stream=stream)  # what is traced first is not traced whole, by some Pythons
    few = await worked(app, f"{kind} {FEW}", stream=stream)
    many = await worked(app, f"{kind} {MANY}", stream=stream)
    await app.close()
    return each(few, many, MANY - FEW)


async def for_requests() -> dict[str, Work]:
    """Give what requests of one token take."""
    app = create_app(serve, options=AT_ONCE)
    for stream, messages in ((True, 30), (False, 2)):
        await worked(app, "burst 1", stream=stream, messages=messages)  # what is done once is nobody's
    two = await worked(app, "burst 1", stream=True)
    thirty = await worked(app, "burst 1", stream=True, messages=30)
    whole = await worked(app, "burst 1", stream=False)
    await app.close()
    return {"streamed request": two, "whole request": whole, "further message": each(two, thirty, 28)}


async def held(app: App, count: int, messages: int) -> list[asyncio.Task[bytes]]:
    """Begin some streams that say one word and no more."""
    asked = body("idle 1", stream=True, messages=messages)
    # Each has a body of its own, as it comes from a socket.
    askers = [Asker(bytes(bytearray(asked))) for _ in range(count)]
    tasks = [asyncio.create_task(asker.ask(app)) for asker in askers]
    while not all(asker.writes for asker in askers):
        await asyncio.sleep(0)
    del askers
    gc.collect()
    return tasks


async def for_an_idle_stream(messages: int) -> float:
    """Give the bytes that Python holds for one more stream, what stands in for its connection among them."""
    app = create_app(serve, options=AT_ONCE)
    tasks = await held(app, 5, messages)
    before, _ = tracemalloc.get_traced_memory()
    tasks += await held(app, STREAMS, messages)
    after, _ = tracemalloc.get_traced_memory()
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await app.close()
    return (after - before) / STREAMS


async def count() -> dict[str, float]:
    """Count all."""
    turns.TURN = math.inf  # how often a program has to let others go on is a matter of time
    gc.disable()
    cases: dict[str, Callable[[], Awaitable[Work]]] = {
        "token of a burst": lambda: for_a_token(AT_ONCE, "burst", stream=True),
        "token of a burst, not of ASCII": lambda: for_a_token(AT_ONCE, "umlauts", stream=True),
        "token in a turn of its own, gathered": lambda: for_a_token(GATHERED, "tick", stream=True),
        "token in a turn and a write of its own": lambda: for_a_token(AT_ONCE, "tick", stream=True),
        "token of a whole reply": lambda: for_a_token(AT_ONCE, "burst", stream=False),
    }
    works = {name: await case() for name, case in cases.items()} | await for_requests()
    counts = {f"{what}: {name}": getattr(work, what) for what in ("bytecodes", "calls") for name, work in works.items()}
    tracemalloc.start()
    memory = {f"bytes: idle stream, {number} messages": await for_an_idle_stream(number) for number in (2, 100)}
    return {name: round(value, 1) for name, value in (counts | memory).items()}


if __name__ == "__main__":
    print(json.dumps(uvloop.run(count()), indent=1))
