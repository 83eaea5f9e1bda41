"""Finds the example programs: beside the installed package, or in the source tree that it was installed from."""

from pathlib import Path

_PACKAGE = Path(__file__).parent.parent


def example(name: str) -> Path:
    """Give an example's program."""
    installed = _PACKAGE / "examples"
    folder = installed if installed.is_dir() else _PACKAGE.parent.parent / "examples"
    return folder / name / "program.py"
