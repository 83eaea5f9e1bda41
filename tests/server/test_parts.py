"""Limits that are divided among workers add up to what was said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mserve
from mserve.errors import LoadError, StartupError
from mserve.programs.user import load
from mserve.server.config import Settings
from mserve.server.parts import Part, check_parts


@mserve.served(max_runs=3, max_queue=1)
def narrow(prompt: str) -> str:
    return prompt


@given(number=st.integers(0, 10_000), workers=st.integers(1, 64))
def test_the_parts_of_a_number_add_up_to_it_and_differ_by_one_at_most(number: int, workers: int) -> None:
    shares = [Part(index, workers).share(number) for index in range(workers)]
    assert sum(shares) == number
    assert max(shares) - min(shares) <= 1


def test_what_a_process_counts_for_itself_is_divided_and_nothing_else() -> None:
    settings = Settings(workers=2, max_runs=5, max_queue=1, max_threads=4, limit_connections=7)
    first, second = (Part(index, 2).of_settings(settings) for index in range(2))
    assert first == Settings(workers=2, max_runs=3, max_queue=1, max_threads=2, limit_connections=4)
    assert second == Settings(workers=2, max_runs=2, max_queue=0, max_threads=2, limit_connections=3)


def test_what_leaves_a_worker_with_nothing_is_refused_by_its_name() -> None:
    check_parts(Settings(workers=2, max_runs=2, max_queue=0, max_threads=2, limit_connections=2))
    for flag in ("max_runs", "max_threads", "limit_connections"):
        with pytest.raises(StartupError, match=f"--{flag.replace('_', '-')} 1 cannot be divided among 2 workers"):
            check_parts(Settings(workers=2, **{flag: 1}))  # type: ignore[arg-type]


def test_what_a_program_says_of_itself_is_divided_too() -> None:
    (program,) = load(narrow)
    parts = [Part(index, 2).of_program(program).traits for index in range(2)]
    assert [(part.max_runs, part.max_queue) for part in parts] == [(2, 1), (1, 0)]
    assert Part().of_program(program).traits == program.traits
    with pytest.raises(LoadError, match="max_runs=3 cannot be divided among 4 workers: raise it, or say --workers 3"):
        Part(0, 4).of_program(program)


def test_a_program_that_wants_sessions_in_one_process_has_one() -> None:
    (program,) = load(mserve.served(session_affinity=True)(lambda prompt: prompt), names=("homely",))
    assert Part().of_program(program) == program
    with pytest.raises(LoadError, match=r"session_affinity .* 2 workers .* say --workers 1, or mserve deploy"):
        Part(0, 2).of_program(program)
