"""Fails in the middle of its answer."""

from collections.abc import Iterator


def serve(prompt: str) -> Iterator[str]:
    """Divide by the length of nothing."""
    yield "So far, so good. "
    yield str(len(prompt) // len(""))
