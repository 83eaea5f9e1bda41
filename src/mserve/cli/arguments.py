"""What the commands that serve programs take in common."""

import os
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
_SECRETS = ("MSERVE_API_KEY", "MSERVE_SSL_KEYFILE_PASSWORD", "MSERVE_STORE")
HowToServe = Annotated[Settings, Parameter(name="*", negative_iterable=())]


def forget_secrets() -> None:
    """Take the secrets out of the environment, once they are read: what programs start would inherit them."""
    for name in _SECRETS:
        os.environ.pop(name, None)
