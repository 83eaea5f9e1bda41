from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

from mserve.events import Event
from mserve.programs.adapt import adapt
from mserve.transcript import Order, Reply, Transcript

Program = Callable[[], Any]


async def say(program: Program, *, sync: bool = False) -> list[Event]:
    async with aclosing(adapt(program, sync=sync, name="test")) as events:
        return [event async for event in events]


async def say_items(*items: object) -> list[Event]:
    async def program() -> AsyncIterator[object]:
        for item in items:
            yield item

    return await say(program)


def folded(events: list[Event]) -> Reply:
    """Fold events, in the legal order only, into a reply that ends as a run would end it."""
    order, transcript = Order(), Transcript()
    reason = None
    for event in events:
        order.admit(event)
        transcript.add(event)
        reason = getattr(event, "reason", reason)
    for event in order.ending(reason):
        transcript.add(event)
    return transcript.reply()


async def reply(program: Program, *, sync: bool = False) -> Reply:
    return folded(await say(program, sync=sync))
