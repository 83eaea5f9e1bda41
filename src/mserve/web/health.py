"""Tells those who watch over a server whether it lives, and whether it takes requests. Asks no program."""

from starlette.types import Receive, Scope, Send

from mserve.events import Failure

from .lifespan import Lifespans
from .replies import send_failure, send_json

_OK = b'{"status":"ok"}'
_OPENING = Failure(503, "The server is starting: it does not take requests yet.", "starting")
ENDING = Failure(503, "The server is ending: it takes no more requests.", "ending")


class Health:
    """The health of one app."""

    def __init__(self, lifespans: Lifespans) -> None:
        self._lifespans = lifespans
        self.is_ending = False

    async def live(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer that the process answers: who hears nothing should start another."""
        await send_json(send, _OK)

    async def ready(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer whether requests should be sent here; where they should not, a 503 says why."""
        if self.is_ending:
            await send_failure(send, ENDING)
        elif self._lifespans.is_opening:
            await send_failure(send, _OPENING)
        else:
            await send_json(send, _OK)
