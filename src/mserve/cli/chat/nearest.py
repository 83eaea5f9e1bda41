"""Says of a name that is not there which one may be meant."""

from collections.abc import Iterable
from difflib import get_close_matches

from .clean import clean_line


def nearest(name: str, names: Iterable[str], otherwise: str) -> str:
    """Give the nearest of the names as a question; the other words where none is near."""
    near = get_close_matches(name, names, 1)
    return f"did you mean {clean_line(near[0])}?" if near else otherwise
