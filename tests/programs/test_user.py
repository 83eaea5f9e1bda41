from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mserve.errors import ClientError, LoadError
from mserve.events import Event, TextDelta
from mserve.program import Call
from mserve.programs.user import UserProgram, load
from mserve.protocols.chat_completions import decode
from mserve.runs.cancellation import Cancellation


def plain(prompt: str) -> str:
    return prompt


async def coroutine(prompt: str) -> str:
    return prompt


def generator(prompt: str) -> Iterator[str]:
    yield from prompt


async def async_generator(prompt: str) -> AsyncIterator[str]:
    for letter in prompt:
        yield letter


class Plain:
    def __call__(self, prompt: str) -> str:
        return prompt


class Asynchronous:
    async def __call__(self, prompt: str) -> AsyncIterator[str]:
        for letter in prompt:
            yield letter


def greeting(first: str, prompt: str) -> str:
    return first + prompt


KINDS = (
    plain,
    coroutine,
    generator,
    async_generator,
    Plain(),
    Plain().__call__,
    Asynchronous(),
    partial(greeting, ""),
    partial(coroutine),
    lambda prompt: prompt,
)


@asynccontextmanager
async def opens() -> AsyncGenerator[str]:
    yield "open"


def call(text: str = "hello") -> Call:
    body = b'{"messages": [{"role": "user", "content": "%s"}], "requirements": 5}' % text.encode()
    return Call(request=decode(body).runs[0], cancelled=Cancellation())


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def failure(*sources: Any, names: tuple[str, ...] = ()) -> str:
    with pytest.raises(LoadError) as caught:
        load(*sources, names=names)
    return str(caught.value)


async def said(program: UserProgram) -> list[Event]:
    return [event async for event in program.run(call())]


@pytest.mark.parametrize("serve", KINDS)
async def test_every_kind_of_callable_answers(serve: Callable[..., Any]) -> None:
    (program,) = load(serve)
    assert program.declares == {"prompt"}
    events = await said(program)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "hello"


async def test_a_file_answers_each_time_it_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    path = write(tmp_path, "echo.py", "def serve(prompt, top_k=3): return f'{prompt} {top_k}'\n")
    (program,) = load(path)
    assert (program.name, program.place) == ("echo", str(path))
    assert program.declares == {"prompt", "top_k"}
    assert await said(program) == await said(program) == [TextDelta("hello 3")]


async def test_a_field_that_does_not_fit_is_the_clients_error_when_it_runs() -> None:
    (program,) = load(lambda requirements: requirements)
    running = program.run(call())
    with pytest.raises(ClientError, match="requirements"):
        await anext(running)


@settings(deadline=None)  # a busy machine is no fault
@given(st.lists(st.sampled_from(["a", "b", "c", "plain", "generator", ""]), max_size=4))
def test_names_replace_the_programs_own_in_order(names: list[str]) -> None:
    sources = (plain, generator, coroutine)
    wanted = [*names, *("plain", "generator", "coroutine")[len(names) :]]
    if len(names) > len(sources):
        assert failure(*sources, names=tuple(names)) == "there are 4 names for 3 programs"
    elif len(set(wanted)) < len(wanted):
        assert "are both called" in failure(*sources, names=tuple(names))
    else:
        assert [program.name for program in load(*sources, names=tuple(names))] == wanted


def test_two_programs_of_one_name_are_both_told() -> None:
    says = failure(plain, coroutine, names=("x", "x"))
    assert says.startswith("test_user:coroutine and test_user:plain are both called 'x'")


def test_nothing_to_serve_is_refused() -> None:
    assert failure() == "there is nothing to serve: name a Python file that has a serve() function"


def test_a_parameter_that_nothing_fills_names_the_program() -> None:
    says = failure(lambda mesages: mesages)
    assert says.startswith(f"{__file__}, line ")
    assert "nothing fills the parameter 'mesages'" in says
    assert failure(partial(lambda mesages: mesages)).startswith("test_user:<lambda>: nothing fills")


def test_the_given_lifespan_stands_in_where_a_program_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    path = write(tmp_path, "with_lifespan.py", "def serve(): ...\ndef lifespan(): ...\n")
    own, none = load(path, plain, lifespan=opens)
    assert (own.lifespan is not opens, none.lifespan is opens) == (True, True)
    assert load(path)[0].lifespan is own.lifespan
    assert load(plain)[0].lifespan is None


def test_a_callable_of_no_module_that_can_be_found_is_served_beside_others() -> None:
    lost = type("Lost", (Plain,), {"__module__": "nowhere"})
    assert [program.name for program in load(lost(), plain)] == ["Lost", "plain"]
