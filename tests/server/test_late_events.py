"""What a supervisor of workers hears too late: it changes nothing."""

import socket
from typing import cast

from mserve.server.child import Child
from mserve.server.config import Settings
from mserve.server.parts import Part
from mserve.server.slots import Slot
from mserve.server.workers import Workers, _Due


async def test_a_place_that_was_filled_meanwhile_is_not_filled_again() -> None:
    workers = Workers(["no_file.py"], [], Settings(workers=1), lambda _names, _url: None)
    with socket.socket() as listener:
        slot = Slot(Part(0, 1), listener, False)
        slot.serving = serving = cast("Child", object())
        await workers.hear(_Due(slot))
        assert slot.serving is serving
        assert slot.starting is None
        assert not workers._children
