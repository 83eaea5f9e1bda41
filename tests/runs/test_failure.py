"""What a client is told of an exception where it is who wrote the program, and that nobody else is."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mserve.errors import ClientError, InvalidOutputError, ProgramError
from mserve.runs.failure import PROGRAM_ERROR, failure_of


def raised(function: Callable[[], Any]) -> Exception:
    try:
        function()
    except Exception as error:  # noqa: BLE001  # to be looked at
        return error
    raise AssertionError("it raised nothing")


def divides() -> None:
    str(1 / 0)


def reads() -> None:
    json.loads("{")


def from_nowhere() -> None:
    exec(compile("raise KeyError('x')", "<made up>", "exec"), {})


LINE = divides.__code__.co_firstlineno + 1
SHOWN = f"ZeroDivisionError: division by zero (test_failure.py, line {LINE}, in divides)\n    str(1 / 0)"


def test_the_author_is_told_what_happened_and_at_which_line() -> None:
    failure = failure_of(raised(divides), "p", shows=True)
    assert (failure.status, failure.code, failure.message) == (500, PROGRAM_ERROR, SHOWN)


def test_nobody_else_is_told_anything_of_it() -> None:
    failure = failure_of(raised(divides), "p")
    assert (failure.status, failure.code) == (500, PROGRAM_ERROR)
    assert failure.message == "The program failed while answering. Its operator finds the reason in the server's log."


def test_the_line_is_the_authors_and_not_the_librarys_that_it_called() -> None:
    message = failure_of(raised(reads), "p", shows=True).message
    assert message.startswith("json.decoder.JSONDecodeError: Expecting property name")
    assert message.endswith(', in reads)\n    json.loads("{")')


def test_a_group_is_told_by_the_first_that_it_holds() -> None:
    inner = ExceptionGroup("inner", [raised(divides), ValueError("another")])
    assert failure_of(ExceptionGroup("outer", [inner]), "p", shows=True).message == SHOWN


def test_without_a_line_of_the_authors_the_words_stand_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert failure_of(ValueError("no place"), "p", shows=True).message == "ValueError: no place"
    monkeypatch.setattr("mserve.runs.failure.own_frames", lambda _error: [])
    assert failure_of(raised(from_nowhere), "p", shows=True).message == "KeyError: 'x'"


def test_a_line_that_cannot_be_read_any_more_is_named_all_the_same(tmp_path: Path) -> None:
    (file := tmp_path / "gone.py").write_text("")
    code = compile("\n1 / 0\n", str(file), "exec")
    message = failure_of(raised(lambda: exec(code, {})), "p", shows=True).message
    assert message == "ZeroDivisionError: division by zero (gone.py, line 2, in <module>)"


def test_a_line_without_end_is_not_told_to_its_end(tmp_path: Path) -> None:
    (file := tmp_path / "long.py").write_text(f"x = '{'a' * 200_000}'; 1 / 0\n")
    code = compile(file.read_text(), str(file), "exec")
    message = failure_of(raised(lambda: exec(code, {})), "p", shows=True).message
    assert message.startswith("ZeroDivisionError: division by zero (long.py, line 1, in <module>)\n    x = 'aaa")
    assert message.endswith("a …")
    assert len(message) < 5000


def test_what_we_found_wrong_is_told_as_it_is() -> None:
    assert failure_of(ProgramError("said a number"), "p", shows=True).message == "said a number"
    told = failure_of(InvalidOutputError("no JSON"), "p", shows=True)
    assert (told.status, told.message) == (502, "no JSON")
    teapot = failure_of(ClientError("tea", status=418), "p", shows=True)
    assert (teapot.status, teapot.message) == (418, "tea")


def test_whatever_an_exception_says_can_be_sent_and_is_not_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mserve.runs.failure.log.disabled", True)  # what it says cannot be sent between test processes
    message = failure_of(ValueError("\ud83d" + "x" * 1_000_000), "p", shows=True).message
    assert message.startswith("ValueError: ?xxx")
    assert message.endswith("x …")
    assert len(message) < 5000

    class Mute(Exception):  # noqa: N818
        def __str__(self) -> str:
            raise RuntimeError

    assert "Mute: <exception str() failed>" in failure_of(Mute(), "p", shows=True).message
