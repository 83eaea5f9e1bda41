"""How long a place waits for its next process."""

import socket

from mserve.server.parts import Part
from mserve.server.slots import Slot


def test_a_pause_doubles_with_each_trouble_up_to_a_bound_and_there_is_none_without() -> None:
    with socket.socket() as listener:
        pauses = [Slot(Part(), listener, troubles=troubles).pause() for troubles in (0, 1, 2, 3, 6, 7, 10_000)]
    assert pauses == [0, 0.5, 1, 2, 16, 30, 30]
