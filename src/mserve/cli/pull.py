"""`mserve pull`: fetch the embedded model ahead of time."""

from mserve.local import fetch

from .failure import told_in_words
from .fetching import fetching
from .screen import console


def pull() -> None:
    """Download the model that comes with mserve (93 MB, once) into the user's cache, and say where it lies."""
    with told_in_words():
        with fetching() as progress:
            path = fetch(progress=progress)
        console.print(f"The model is here: {path}", markup=False)
