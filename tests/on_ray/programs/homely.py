"""Wants the turns of a conversation on one replica, and says which one it is, and which turn."""

import os
from typing import Any

from mserve import served


@served(session_affinity=True)
def serve(messages: list[dict[str, Any]]) -> str:
    turn = sum(message["role"] == "user" for message in messages)
    return f"{os.getpid()} {turn}"
