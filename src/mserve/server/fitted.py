"""Warns where the libraries inside of which `http` works are newer than it was fitted to. Refuses none of them."""

import logging
import re
from importlib.metadata import version

log = logging.getLogger("mserve")

FITTED = {"uvicorn": "0.54", "httptools": "0.9"}
"""What the tests have passed with; older ones are not installed."""


def warn_of_newer() -> None:
    """Warn once of each that is newer: limits of heads and connections may no longer hold with it."""
    for library, fitted in FITTED.items():
        installed = version(library)
        if _minor(installed) > _minor(fitted):
            log.warning(
                "%s %s is installed, and mserve was tried with %s at most: if connections behave strangely, install "
                "'%s==%s.*'", library, installed, fitted, library, fitted,
            )  # fmt: skip


def _minor(told: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", told)[:2]]
