"""`mserve key`: make a key, and the line of a key file that lets it in."""

import secrets

from mserve.errors import MserveError
from mserve.web.keys import line_of

from .failure import errors, told_in_words
from .screen import console

_BYTES = 32


def key(name: str) -> None:
    """Make an API key, show it once, and print the line for --api-key-file, which holds no more than its hash.

    Parameters
    ----------
    name
        Whose key it is: programs and logs see this name.

    """
    with told_in_words():
        made = f"mserve-{secrets.token_urlsafe(_BYTES)}"
        try:
            line = line_of(name, made)
        except ValueError as error:
            raise MserveError(str(error)) from error
        # Apart, so that `mserve key NAME >> keys` writes the one down and shows the other.
        errors.print(f"The key of {name}, shown this once:", markup=False)
        errors.print(made, markup=False)
        console.print(line, markup=False)
