"""What the commands that serve programs take in common."""

from typing import Annotated

from cyclopts import Parameter

from mserve.server.config import Settings

Program = Annotated[
    str, Parameter(help="Python files with a serve() function (file.py, file.py:name), or module:name.")
]
Names = Annotated[
    tuple[str, ...],
    Parameter(
        name="name", negative=(), show_default=False, help="What clients write as the model; for the programs in order."
    ),
]
HowToServe = Annotated[Settings, Parameter(name="*", negative_iterable=())]
