"""Programs that do what they should not, as their prompt says: an async one, and one on a thread."""

PROGRAM = """
import asyncio
import atexit
import threading
import time

class Odd(BaseException):
    pass

def error(name):
    return {"odd": Odd, "exit": SystemExit, "interrupt": KeyboardInterrupt, "generator": GeneratorExit}[name]("why")

async def serve(prompt):
    what, _, word = prompt.partition(" ")
    try:
        async for piece in PROGRAMS[what](word):
            yield piece
    finally:
        if what != "tick":
            print(f"closed {prompt}", flush=True)

async def tick(count):
    for _ in range(int(count)):
        yield "tick "
        await asyncio.sleep(0.02)

async def block(seconds):
    yield "a"
    time.sleep(float(seconds))
    yield "b"

async def silent(after):
    for _ in range(int(after)):
        yield "a"
    await asyncio.sleep(60)

async def endless(_):
    while True:
        yield "a"
        await asyncio.sleep(0.01)

async def flood(size):
    while True:
        yield "x" * int(size)

async def early(name):
    raise error(name)
    yield

async def late(name):
    yield "a"
    await asyncio.sleep(0.05)
    raise error(name)

async def one(size):
    yield "x" * int(size)

async def many(size):
    for _ in range(int(size) // 10_000):
        yield "x" * 10_000

async def deaf(_):
    yield "a"
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            print("deaf", flush=True)

left = []

async def leave(kind):
    async def hears_nothing():
        async for _ in deaf(""):
            pass

    async def ends():
        raise error(kind)

    if kind == "thread":
        threading.Thread(target=time.sleep, args=(60,), name="left thread").start()
    elif kind == "exit-handler":
        atexit.register(lambda: (time.sleep(3.5), print("handled", flush=True)))
    elif kind == "executor":
        left.append(asyncio.create_task(asyncio.to_thread(time.sleep, 60)))
    else:
        told = {"task": lambda: asyncio.sleep(60), "deaf": hears_nothing}
        left.append(asyncio.create_task(told.get(kind, ends)()))
    await asyncio.sleep(0.1)
    yield "left"

PROGRAMS = {
    name: globals()[name]
    for name in ("tick", "block", "silent", "endless", "flood", "early", "late", "one", "many", "deaf", "leave")
}
"""
SYNC = """
import time

class Odd(BaseException):
    pass

def error(name):
    return {"odd": Odd, "exit": SystemExit, "interrupt": KeyboardInterrupt, "generator": GeneratorExit}[name]("why")

def serve(prompt, cancelled):
    what, _, word = prompt.partition(" ")
    try:
        if what == "late":
            yield "a"
            time.sleep(0.05)
        if what in ("early", "late"):
            raise error(word)
        if what == "silent":
            yield from "a" * int(word)
        if what == "endless":
            while True:
                yield "a"
                time.sleep(0.01)
        while what == "flood":
            yield "x" * int(word)
        while what == "silent" and not cancelled.is_set():
            time.sleep(0.01)
    finally:
        print(f"closed {prompt}", flush=True)
"""
