"""A sync program, which declares an option of its own."""

import time
from collections.abc import Iterator


def serve(prompt: str, pause: float = 0.0) -> Iterator[str]:
    for word in prompt.split():
        time.sleep(pause)
        yield word.upper() + " "
