"""What a program's items are heard as."""

from collections.abc import AsyncGenerator

from mserve.events import Event
from mserve.programs.speech import Speech


def heard(speech: Speech, item: object) -> list[Event]:
    said = speech.events(item)
    assert said is not None
    assert not isinstance(said, AsyncGenerator)
    return list(said)
