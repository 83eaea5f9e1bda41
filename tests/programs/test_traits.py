from collections.abc import AsyncIterator, Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any

import pytest

import mserve
from mserve.program import Traits
from mserve.programs.traits import served, traits_of
from mserve.programs.user import load

OWN = Traits(check_output=False)


@served(check_output=False)
def marked(prompt: str) -> str:
    return prompt


@served()
def with_defaults(prompt: str) -> str:
    return prompt


@served(check_output=False)
async def generator(prompt: str) -> AsyncIterator[str]:
    yield prompt


class Marked:
    @served(check_output=False)
    def __call__(self, prompt: str) -> str:
        return prompt


class Inherited(Marked):
    pass


class Overridden(Marked):
    def __call__(self, prompt: str) -> str:
        return prompt


class WithMethod:
    @served(check_output=False)
    def answer(self, prompt: str) -> str:
        return prompt


@wraps(marked)
def wrapped(*args: Any, **kwargs: Any) -> str:
    return marked(*args, **kwargs)


@pytest.mark.parametrize(
    "serve",
    [
        marked,
        generator,
        Marked(),
        Inherited(),
        Marked().__call__,
        WithMethod().answer,
        partial(marked),
        partial(partial(marked), prompt="x"),
        wrapped,
    ],
)
def test_what_was_decided_is_found_however_the_program_is_called(serve: Callable[..., Any]) -> None:
    assert traits_of(serve) == OWN


@pytest.mark.parametrize("serve", [lambda: "", with_defaults, Overridden(), partial(with_defaults), "text".upper, len])
def test_where_nothing_was_decided_the_defaults_stand(serve: Callable[..., Any]) -> None:
    assert traits_of(serve) == Traits() == Traits(check_output=True)


class Liar:
    __mserve__ = "mine"

    def __getattr__(self, _name: str) -> str:
        return "anything"

    def __call__(self, prompt: str) -> str:
        return prompt


def test_what_only_looks_like_a_decision_is_none() -> None:
    assert traits_of(Liar()) == Traits()


def test_a_marked_program_is_itself() -> None:
    def program(prompt: str) -> str:
        return prompt

    assert served(check_output=False)(program) is program
    assert mserve.served is served


def test_a_programs_traits_are_read_when_it_is_loaded(tmp_path: Path) -> None:
    file = tmp_path / "decided.py"
    file.write_text("import mserve\n\n@mserve.served(check_output=False)\ndef serve(): ...\n\ndef other(): ...\n")
    own, other = load(file, f"{file}:other")
    assert (own.traits, other.traits) == (OWN, Traits())


def test_what_is_no_decision_is_refused_where_it_is_written() -> None:
    with pytest.raises(TypeError):
        served(check_ouput=False)  # type: ignore[call-arg]  # a typo
    with pytest.raises(TypeError):
        served(marked)  # type: ignore[arg-type, call-arg]  # without its parentheses


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"on_disconnect": "stop"}, "on_disconnect is one of cancel, finish, detach, not 'stop'"),
        ({"max_runs": 0}, "max_runs is a number from 1 on, and max_queue one from 0 on"),
        ({"max_queue": -1}, "max_runs is a number from 1 on, and max_queue one from 0 on"),
    ],
)
def test_what_makes_no_sense_is_told_to_who_decides_it(said: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{reason}$"):
        served(**said)


def test_a_program_may_have_no_queue_at_all() -> None:
    assert traits_of(served(max_runs=1, max_queue=0)(lambda: "")) == Traits(max_runs=1, max_queue=0)
