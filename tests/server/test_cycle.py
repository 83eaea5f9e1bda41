"""How an app hears that its client left."""

import asyncio
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl

from mserve.server.cycle import Outlet


async def test_who_listens_late_hears_at_once_that_the_client_has_left_and_nobody_hears_it_after_the_answer() -> None:
    heard: list[str] = []
    transport: Any = asyncio.Transport()
    early, late, answered = (Outlet(transport, FlowControl(transport), lambda: None) for _ in range(3))
    early.listen(lambda: heard.append("early"))
    assert heard == []
    early.leave()
    early.leave()
    late.leave()
    late.listen(lambda: heard.append("late"))
    answered.listen(lambda: heard.append("answered"))
    answered.answered()
    answered.leave()
    assert heard == ["early", "late"]
