"""Tells why a command gives up: on one line and by an exit code, since whoever runs a command wants no traceback."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

from mserve.errors import LoadError, MserveError, StartupError

STARTUP_FAILURE = 3
"""The exit code of a server that could not start; uvicorn's, too."""

errors = Console(stderr=True, highlight=False, soft_wrap=True)


def told(error: Exception | str) -> Text:
    """Give what is printed of an error; the words are data, never markup."""
    return Text.assemble(("mserve:", "bold red"), f" {error}")


@contextmanager
def told_in_words() -> Iterator[None]:
    """Turn an error of ours into its one line and its exit code; a signal that comes first ends it without a word."""
    # Else the first process of a container would not even notice SIGTERM as long as its programs load.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(0)
    except MserveError as error:
        errors.print(told(error))
        sys.exit(STARTUP_FAILURE if isinstance(error, LoadError | StartupError) else 1)
    finally:
        signal.signal(signal.SIGTERM, before)
