"""The kinds of errors that metrics tell: the codes that the code says, and nothing more."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import mserve
from mserve.web.record import KINDS

SOURCE = Path(mserve.__file__).parent
ERRORS = ("Failure", "ClientError")
PLACE = 2
"""Of the code, among the arguments of both."""


def codes(file: Path) -> Iterator[object]:
    """The codes of the errors that a module makes. One that it was handed, as a program's, is no name of its own."""
    module = ".".join(file.relative_to(SOURCE.parent).with_suffix("").parts)
    for call in ast.walk(ast.parse(file.read_text())):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ERRORS:
            given = call.args[PLACE : PLACE + 1] + [word.value for word in call.keywords if word.arg == "code"]
            yield from (said.value for said in given if isinstance(said, ast.Constant))
            yield from (
                _named(import_module(module), said) for said in given if isinstance(said, ast.Name | ast.Attribute)
            )


def _named(module: ModuleType, said: ast.Name | ast.Attribute) -> object:
    """Give what a name stands for in a module, one of another module's among them; None for a handed one's code."""
    if isinstance(said, ast.Name):
        return getattr(module, said.id)
    owner = getattr(module, said.value.id, None) if isinstance(said.value, ast.Name) else None
    return getattr(owner, said.attr) if isinstance(owner, ModuleType) else None


def test_every_code_that_is_ours_is_a_kind_of_its_own() -> None:
    files = [file for file in SOURCE.rglob("*.py") if file.parent.name != "ray"] + [SOURCE / "server/ray/faults.py"]
    assert {code for file in files for code in codes(file)} - {None} == KINDS
