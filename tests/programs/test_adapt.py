import asyncio
import functools
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing
from contextvars import ContextVar
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mserve.errors import ClientError, ProgramError
from mserve.events import Event, Finish, TextDelta, Usage
from mserve.programs.adapt import adapt, is_sync
from named import named
from runs.running import log_of

Serve = Callable[..., Any]
WHERE: ContextVar[str] = ContextVar("where", default="nowhere")


def speak(serve: Serve) -> AsyncGenerator[Event, None]:
    return adapt(serve, sync=is_sync(serve), name="test")


async def say(serve: Serve) -> list[Event]:
    async with aclosing(speak(serve)) as events:
        return [event async for event in events]


def text_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


# ---- every shape of a program


def function() -> str:
    return "ab"


async def coroutine() -> str:
    return function()


def generator() -> Iterator[str]:
    yield from "ab"


async def stream() -> AsyncIterator[str]:
    for letter in "ab":
        yield letter


class Letters:
    """An async iterable whose iterator is a generator, as that of the SDKs' streams is."""

    async def __aiter__(self) -> AsyncIterator[str]:
        async for letter in stream():
            yield letter


def calling(serve: Serve) -> Serve:
    """Make an object whose `__call__` is this function."""
    return type("Callable", (), {"__call__": staticmethod(serve)})()  # type: ignore[no-any-return]  # as made: Any


def returning(item: Callable[[], Any]) -> Serve:
    def serve() -> Any:
        return item()

    return serve


def later(item: Callable[[], Any]) -> Serve:
    async def serve() -> Any:
        return item()

    return serve


def among(item: Callable[[], Any]) -> Serve:
    def serve() -> Iterator[Any]:
        yield item()

    return serve


def among_async(item: Callable[[], Any]) -> Serve:
    async def serve() -> AsyncIterator[Any]:
        yield item()

    return serve


PLAIN: list[Serve] = [function, coroutine, generator, stream]
ITEMS: list[Callable[[], Any]] = [*PLAIN, Letters, lambda: iter("ab"), lambda: map(str, "ab")]
WRAPS: list[Callable[[Callable[[], Any]], Serve]] = [
    calling, functools.partial, lambda serve: functools.partial(calling(serve)), returning, later, among, among_async,
]  # fmt: skip


@pytest.mark.parametrize("item", ITEMS)
@pytest.mark.parametrize("wrap", WRAPS)
async def test_every_shape_of_a_program_says_the_same(wrap: Callable[[Serve], Serve], item: Serve) -> None:
    assert text_of(await say(wrap(item))) == "ab"


@pytest.mark.parametrize("wrap", [lambda serve: serve, *WRAPS[:3]])
@pytest.mark.parametrize("serve", PLAIN)
def test_a_program_is_sync_where_calling_it_runs_its_code(wrap: Callable[[Serve], Serve], serve: Serve) -> None:
    assert is_sync(wrap(serve)) == (serve in (function, generator))


def test_an_object_that_keeps_an_async_function_is_not_async_for_that() -> None:
    program = calling(function)
    program.func = coroutine  # type: ignore[attr-defined]  # as decorators that wrap a function do
    assert is_sync(program)


TREES = st.recursive(
    st.text(max_size=3),
    lambda children: st.tuples(st.sampled_from(["later", "each", "each async"]), st.lists(children, max_size=4)),
    max_leaves=12,
)


def grown(tree: Any) -> Any:
    """Make what a program says of a tree: leaves are texts, branches are streams of all kinds."""
    if isinstance(tree, str):
        return tree
    kind, children = tree

    def each() -> Iterator[Any]:
        yield from map(grown, children)

    async def each_async() -> AsyncIterator[Any]:
        for child in children:
            yield grown(child)

    return {"later": later(each), "each": each, "each async": each_async}[kind]()


def leaves(tree: Any) -> str:
    return tree if isinstance(tree, str) else "".join(map(leaves, tree[1]))


@settings(max_examples=50)
@given(TREES)
async def test_streams_within_streams_are_read_in_their_order(tree: Any) -> None:
    assert text_of(await say(lambda: grown(tree))) == leaves(tree)


# ---- what a program may say


@pytest.mark.parametrize("wrap", [returning, later, among, among_async])
async def test_a_dict_is_a_whole_reply_with_its_usage_and_finish_beside_it(wrap: Callable[[Serve], Serve]) -> None:
    assert await say(wrap(lambda: {"a": 1})) == [TextDelta('{"a":1}')]
    assert await say(wrap(lambda: iter([{}, Usage(1, 2), Finish()]))) == [TextDelta("{}"), Usage(1, 2), Finish()]


@pytest.mark.parametrize("wrap", [returning, later, among, among_async])
@pytest.mark.parametrize("items", [[], [""], [TextDelta("")]])
async def test_nothing_said_is_no_event(wrap: Callable[[Serve], Serve], items: list[Any]) -> None:
    assert await say(wrap(lambda: iter(items))) == []


async def test_half_a_code_point_at_the_end_is_repaired() -> None:
    assert await say(lambda: "a\ud83d") == [TextDelta("a"), TextDelta("\ufffd")]


@pytest.mark.parametrize("wrap", [returning, later, among, among_async])
@pytest.mark.parametrize("item", [None, b"text", ["text"], ("text", 1), 1, object()], ids=named)
async def test_anything_else_is_the_programs_error_and_names_the_type(
    wrap: Callable[[Serve], Serve], item: Any
) -> None:
    with pytest.raises(ProgramError, match=rf"of type {type(item).__name__}\b") as error:
        await say(wrap(lambda: item))
    assert ("return its first item" in str(error.value)) == isinstance(item, tuple)


# ---- whose task, thread and context


async def test_an_async_program_lives_in_the_task_and_the_context_that_iterate() -> None:
    tasks = []

    async def program(depth: int = 0) -> AsyncIterator[Any]:
        token = WHERE.set(f"depth {depth}")
        tasks.append(asyncio.current_task())
        try:
            yield program(depth + 1) if depth < 2 else "deep"
            assert WHERE.get() == f"depth {depth}"
            tasks.append(asyncio.current_task())
        finally:
            tasks.append(asyncio.current_task())
            WHERE.reset(token)  # an error in any other context

    events = speak(program)
    assert await anext(events) == TextDelta("deep")
    assert WHERE.get() == "depth 2"
    assert [event async for event in events] == []
    assert WHERE.get() == "nowhere"
    assert tasks == [asyncio.current_task()] * 9


async def in_asyncios_timeout() -> AsyncIterator[str]:
    try:
        async with asyncio.timeout(0.01):
            yield "before"
            await asyncio.Event().wait()
    except TimeoutError:
        yield "after"


async def in_anyios_timeout() -> AsyncIterator[str]:
    try:
        with anyio.fail_after(0.01):
            yield "before"
            await asyncio.Event().wait()
    except TimeoutError:
        yield "after"


@pytest.mark.parametrize("program", [in_asyncios_timeout, in_anyios_timeout])
async def test_a_timeout_around_the_items_holds(program: Serve) -> None:
    assert text_of(await say(program)) == "beforeafter"


async def test_a_sync_program_never_runs_on_the_loops_thread() -> None:
    for wrap in (returning, later, among, among_async):
        threads = []

        def program() -> Iterator[str]:
            threads.append(threading.current_thread())  # noqa: B023  # called in this very round
            yield "ab"

        assert text_of(await say(wrap(program))) == "ab"
        assert threads != [threading.current_thread()]


# ---- errors


def fails_in_a_call(error: BaseException) -> Serve:
    def serve() -> None:
        raise error

    return serve


def fails_in_a_step(error: BaseException) -> Serve:
    def serve() -> Iterator[str]:
        yield "a"
        raise error

    return serve


def fails_in_a_stream(error: BaseException) -> Serve:
    async def serve() -> AsyncIterator[str]:
        yield "a"
        raise error

    return serve


FAILS = [fails_in_a_call, fails_in_a_step, lambda error: later(fails_in_a_call(error)), fails_in_a_stream]
ERRORS = [
    ValueError("wrong"), ClientError("yours"), SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError("mine"),
    ExceptionGroup("many", [ClientError("yours")]), BaseExceptionGroup("all", [SystemExit()]),
]  # fmt: skip


@pytest.mark.parametrize("wrap", [lambda serve: serve, returning, later, among, among_async])
@pytest.mark.parametrize("fails", FAILS)
@pytest.mark.parametrize("error", ERRORS, ids=named)
async def test_what_a_program_raises_comes_through_unchanged(
    error: BaseException, fails: Callable[[BaseException], Serve], wrap: Callable[[Serve], Serve]
) -> None:
    with pytest.raises(type(error)) as caught:
        await say(wrap(fails(error)))
    assert caught.value is error


@pytest.mark.parametrize("fails", FAILS)
@pytest.mark.parametrize("error", [StopIteration("x"), StopAsyncIteration("x")], ids=named)
async def test_a_stop_that_a_program_raises_is_an_error_and_no_end(
    error: Exception, fails: Callable[[BaseException], Serve]
) -> None:
    with pytest.raises((RuntimeError, StopAsyncIteration)) as caught:
        await say(fails(error))
    causes: list[BaseException | None] = [caught.value]
    while causes[-1] is not None:
        causes.append(causes[-1].__cause__)
    assert error in causes


# ---- a program that never waits


async def says_nothing_for_ever() -> AsyncIterator[str]:
    while True:
        yield ""


def says_nothing_on_a_thread() -> Iterator[str]:
    while True:
        yield ""


@pytest.mark.parametrize("serve", [says_nothing_for_ever, says_nothing_on_a_thread])
async def test_a_program_that_never_waits_leaves_the_loop_to_others_and_can_be_cancelled(serve: Serve) -> None:
    saying = asyncio.create_task(say(serve))
    for _ in range(10):
        await asyncio.sleep(0.001)
    saying.cancel()
    await asyncio.wait([saying])
    assert saying.cancelled()


async def test_each_word_of_a_program_whose_steps_block_can_be_read_before_the_next() -> None:
    async def serve() -> AsyncIterator[str]:
        for _ in range(5):
            time.sleep(0.01)
            yield "a"

    turns: list[int] = []

    async def count_turns() -> None:
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    counting = asyncio.create_task(count_turns())
    seen = [len(turns) async for _ in speak(serve)]
    counting.cancel()
    assert seen == sorted(set(seen))


async def test_a_program_that_has_waited_and_then_only_computes_lets_others_go_on_between_its_words() -> None:
    async def serve() -> AsyncIterator[str]:
        for _ in range(200):
            await asyncio.sleep(0)
            yield "a"
        for _ in range(20):
            until = time.monotonic() + 0.01
            while time.monotonic() < until:
                pass
            yield "b"

    gaps: list[float] = []

    async def look() -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(0)
            gaps.append(time.monotonic() - last)
            last += gaps[-1]

    looking = asyncio.create_task(look())
    log = await log_of(serve)
    looking.cancel()
    assert len(log) == 221
    assert sum(gap > 0.015 for gap in gaps) < 10  # two of its steps, or many
    assert sum(gap > 0.005 for gap in gaps) > 10
