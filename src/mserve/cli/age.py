"""How old something is, as a command is told: a number of days, or of what a letter behind it says."""

import re
from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter, Token

_UNITS = {"s": 1, "m": 60, "h": 60 * 60, "d": 24 * 60 * 60}


def seconds(_type: object, tokens: Sequence[Token]) -> float:
    """Read an age."""
    said = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", tokens[0].value)
    if said is None:
        raise ValueError("an age is a number of days, or as in 90s, 30m, 12h or 7d")
    return float(said[1]) * _UNITS[said[2] or "d"]


Age = Annotated[float, Parameter(converter=seconds)]
"""In seconds."""
