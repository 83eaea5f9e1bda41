"""Finds what a chat talks to: a server that is there, or a program that gets one for as long as the chat lasts."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from mserve.cli.arguments import forget_secrets
from mserve.server.companion import companion

from .api import Api, address
from .printed import Printed


@contextmanager
def reached(target: str, key: str | None) -> Iterator[tuple[Api, Printed]]:
    """Give a way to a server, and what its process prints."""
    url = address(target)
    if url is not None:
        yield Api(url, key or key_of_the_environment()), Printed(None)
        return
    forget_secrets()
    with tempfile.TemporaryFile() as logs, companion(target, logs) as ready:
        yield Api(ready.base_url, None), Printed(logs)


def key_of_the_environment() -> str | None:
    """Give the key of the environment. A server's own list of keys may name whose they are."""
    ours = os.environ.get("MSERVE_API_KEY", "").split()
    return ours[0].rpartition(":")[2] if ours else os.environ.get("OPENAI_API_KEY")
