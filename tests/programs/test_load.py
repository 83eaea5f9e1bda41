import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mserve.errors import LoadError
from mserve.programs.load import Source, find

SERVE = "def serve(prompt): return prompt\n"


@pytest.fixture(autouse=True)
def imports_restored(tmp_path: Path) -> Iterator[None]:
    path = list(sys.path)
    yield
    sys.path[:] = path
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def failure(source: Source) -> str:
    with pytest.raises(LoadError) as caught:
        find(source)
    return str(caught.value)


# ---- files


@pytest.mark.parametrize("spell", [str, lambda path: path, lambda path: f"{path}:", lambda path: f"{path}:serve"])
def test_a_file_is_named_by_its_stem(tmp_path: Path, spell: Callable[[Path], Source]) -> None:
    source = spell(write(tmp_path, "echo.py", SERVE))
    found = find(source)
    assert (found.name, found.place, found.lifespan, found.serve("hi")) == ("echo", str(source), None, "hi")


def test_a_name_behind_the_colon_is_served_under_that_name(tmp_path: Path) -> None:
    path = write(tmp_path, "many.py", SERVE + "def shout(prompt): return prompt.upper()\n")
    found = find(f"{path}:shout")
    assert (found.name, found.serve("hi")) == ("shout", "HI")


@pytest.mark.parametrize("name", ["echo.py", "a:b/echo.py", "a.py/echo.py", "a:b.py/echo.py", "a:echo.py"])
def test_a_colon_or_suffix_in_a_relative_path_is_no_attribute(tmp_path: Path, name: str) -> None:
    write(tmp_path, name, SERVE)
    with chdir(tmp_path):
        assert find(name).name == find(f"{name}:serve").name == Path(name).stem


def test_a_sibling_can_be_imported(tmp_path: Path) -> None:
    write(tmp_path, "beside_the_program.py", "SAYS = 'from beside'\n")
    path = write(tmp_path, "main.py", "import beside_the_program\ndef serve(): return beside_the_program.SAYS\n")
    assert find(path).serve() == "from beside"


def test_a_file_called_like_a_module_replaces_nothing(tmp_path: Path) -> None:
    before = dict(sys.modules)
    assert find(write(tmp_path, "json.py", SERVE)).name == "json"
    assert before.items() <= sys.modules.items()


def test_two_files_of_one_stem_are_two_modules(tmp_path: Path) -> None:
    first = find(write(tmp_path, "a/program.py", "def serve(): return 'a'\n"))
    second = find(write(tmp_path, "b/program.py", "def serve(): return 'b'\n"))
    assert (first.serve(), second.serve()) == ("a", "b")


def test_two_programs_of_one_file_share_its_module(tmp_path: Path) -> None:
    path = write(tmp_path, "two.py", SERVE + "def lifespan(): ...\ndef other(): ...\n")
    first, second = find(path), find(f"{path}:other")
    assert first.lifespan is second.lifespan is not None


def test_a_program_can_define_a_dataclass(tmp_path: Path) -> None:
    text = """
from __future__ import annotations
from dataclasses import dataclass

@dataclass
class Point:
    x: int

def serve(): return Point(3).x
"""
    assert find(write(tmp_path, "with_a_dataclass.py", text)).serve() == 3


# ---- modules


def test_a_module_in_the_working_folder_is_named_by_its_last_part(tmp_path: Path) -> None:
    write(tmp_path, "load_package/inner.py", SERVE + "def shout(prompt): ...\n")
    with chdir(tmp_path):
        names = [find(f"load_package.inner:{name}").name for name in ("serve", "", "shout")]
    assert names == ["inner", "inner", "shout"]


MISSING = {"no_such_module": "no_such_module", "no_such_package.a": "no_such_package", "json.nothing": "json.nothing"}


@pytest.mark.parametrize(("name", "missing"), MISSING.items())
def test_a_missing_module_is_told_from_one_that_misses_something(tmp_path: Path, name: str, missing: str) -> None:
    path = write(tmp_path, "misses_something.py", f"\nimport {name}\n")
    with chdir(tmp_path):
        assert failure(f"{name}:serve") == f"{name}: there is no module {missing!r} in this folder or environment"
        assert failure("misses_something:serve").startswith(f"{path}, line 2: {missing!r} is not installed here")


def test_a_missing_package_that_the_modules_name_begins_with_is_still_the_packages_lack(tmp_path: Path) -> None:
    path = write(tmp_path, "lackingmodule.py", "import lacking\n")
    with chdir(tmp_path):
        assert (
            failure("lackingmodule:serve")
            == f"{path}, line 1: 'lacking' is not installed here; try: pip install lacking"
        )


# ---- callables


class Greeter:
    def __call__(self, prompt: str) -> str:
        return prompt

    def method(self, prompt: str) -> str:
        return prompt


def greet(name: str, prompt: str) -> str:
    return name + prompt


def serve(prompt: str) -> str:
    return prompt


@pytest.mark.parametrize(
    ("program", "name"),
    [
        (greet, "greet"),
        (serve, "test_load"),
        (lambda prompt: prompt, "test_load"),
        (Greeter(), "Greeter"),
        (Greeter().method, "method"),
        (partial(greet, "Ada"), "greet"),
        (partial(partial(serve), prompt=""), "test_load"),
        (len, "len"),
    ],
)
def test_a_callable_is_named_by_what_it_is(program: Callable[..., Any], name: str) -> None:
    found = find(program)
    assert (found.name, found.serve) == (name, program)


def test_serve_of_no_module_keeps_its_name() -> None:
    made: dict[str, Any] = {"__name__": "a_module_that_is_gone"}
    exec(SERVE, made)
    assert find(made["serve"]).name == "serve"


@pytest.mark.parametrize("wrap", [lambda program: program, partial])
def test_a_callables_lifespan_is_its_modules(wrap: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("with_a_lifespan")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(SERVE + "def lifespan(): ...", vars(module))
    found = find(wrap(module.serve))
    assert (found.name, found.lifespan) == ("with_a_lifespan", module.lifespan)


@pytest.mark.parametrize("nothing", [None, 5, ["echo.py"]])
def test_what_is_no_source_is_refused(nothing: Any) -> None:
    assert failure(nothing).endswith(f"not of type {type(nothing).__name__}")


def test_a_class_is_refused() -> None:
    assert failure(Greeter) == "test_load:Greeter: Greeter is a class; serve an instance of it"


# ---- what is no program


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("gone.py", "there is no such file"),
        ("no_suffix", "there is no such file"),
        ("folder", "is a folder"),
        ("folder.py", "is a folder"),
        ("notes.txt", "is not a Python file"),
        ("a:b/notes.txt", "is not a Python file"),
    ],
)
def test_what_is_no_python_file_is_refused(tmp_path: Path, name: str, says: str) -> None:
    for folder in ("folder", "folder.py"):
        (tmp_path / folder).mkdir()
    for file in ("notes.txt", "a:b/notes.txt"):
        write(tmp_path, file, SERVE)
    assert failure(tmp_path / name).startswith(f"{tmp_path / name}: {says}")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "there is no serve() in it. Name another as file.py:name"),
        (
            "from pathlib import Path\nfrom typing import *\nLIMIT = 3\n_hidden = lambda: 1\ndef answer(): ...\n",
            "there is no serve() in it; it has answer. Name another as file.py:name",
        ),
        ("serve = 5\n", "serve is of type int, not something to call"),
        ("class serve: ...\n", "serve is a class; serve an instance of it"),
        (SERVE + "lifespan = 5\n", "lifespan is of type int, not an async context manager function"),
    ],
)
def test_a_file_without_a_program_tells_what_it_lacks(tmp_path: Path, text: str, says: str) -> None:
    path = write(tmp_path, "lacking.py", text)
    assert failure(path) == f"{path}: {says}"


# ---- imports that fail

FAILS = {
    "raise ValueError('no')": "ValueError: no",
    "1 / 0": "ZeroDivisionError: division by zero",
    "def broken(:": "syntax error: invalid syntax: def broken(:",
    "import no_such_package.inner": "'no_such_package' is not installed here; try: pip install no_such_package",
    "raise ModuleNotFoundError('install me')": "ModuleNotFoundError: install me",
    "import sys; sys.exit(3)": "it ends the process when imported; put what runs as a script under if __name__ ==",
    # the line is the author's, not the library's
    "import json; json.loads('{')": "json.decoder.JSONDecodeError: Expecting property name",
    "import pydantic; pydantic.TypeAdapter(int).validate_python('x')": "pydantic_core._pydantic_core.ValidationError",
    "from mserve.errors import ClientError; ClientError('', 200)": "ValueError: a ClientError's status",
    "import ast; ast.literal_eval('(')": "syntax error: '(' was never closed",
    "raise SyntaxError('odd')": "syntax error: odd",
}


@settings(deadline=None)  # a busy machine is no fault
@given(st.integers(0, 5), st.sampled_from(sorted(FAILS)))
def test_a_failing_import_names_the_authors_line(lines: int, fails: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder).resolve(), "program.py", "x = 1\n" * lines + fails + "\n" + SERVE)
        assert failure(path).startswith(f"{path}, line {lines + 1}: {FAILS[fails]}")


def test_the_line_is_the_innermost_one_of_the_authors_own_files(tmp_path: Path) -> None:
    sibling = write(tmp_path, "sibling_that_fails.py", "\n\ndef fail():\n    return 1 / 0\n")
    path = write(tmp_path, "main.py", "from sibling_that_fails import fail\nfail()\n")
    assert failure(path) == f"{sibling}, line 4: ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    ("text", "says"), [(b"x = 1\n\0\n", "source code string cannot contain null"), (b"# coding: odd\n", "unknown enc")]
)
def test_a_file_that_is_no_text_is_named_without_a_line(tmp_path: Path, text: bytes, says: str) -> None:
    path = tmp_path / "no_text.py"
    path.write_bytes(text)
    assert failure(path).startswith(f"{path}: syntax error: {says}")


def test_a_load_error_inside_an_import_keeps_its_own_words(tmp_path: Path) -> None:
    path = write(tmp_path, "outer.py", "from mserve.programs.user import load\nload('gone.py')\n")
    assert failure(path).startswith("gone.py: there is no such file")


@pytest.mark.parametrize("fails", FAILS)
def test_no_half_made_module_stays(tmp_path: Path, fails: str) -> None:
    failure(write(tmp_path, "half.py", f"{fails}\n{SERVE}"))
    assert not [name for name in sys.modules if name.startswith("half")]


def test_an_interrupt_passes_through_and_leaves_no_module(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        find(write(tmp_path, "half.py", "raise KeyboardInterrupt\n"))
    assert not [name for name in sys.modules if name.startswith("half")]


def test_a_mended_file_loads_in_the_same_process(tmp_path: Path) -> None:
    path = write(tmp_path, "mended.py", "import no_such_package_at_all\n")
    failure(path)
    write(tmp_path, "mended.py", SERVE)
    assert find(path).name == "mended"
