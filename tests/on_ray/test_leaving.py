import asyncio
import time
from pathlib import Path

import httpx
import pytest

from on_ray.asking import ask, body, client
from raying import RayServer, until

LIMIT = 1.0
"""Seconds in which a program hears that its client has left."""


async def leave(url: str, asked: dict[str, object]) -> float:
    """Read the first word of an answer and leave; tell when, by the clock on the wall."""
    async with client() as http, http.stream("POST", f"{url}/chat/completions", json=asked) as answer:
        async for line in answer.aiter_lines():
            if "content" in line:
                break
    return time.time()


@pytest.mark.parametrize("pause", [0.02, 30.0], ids=["it talks", "it thinks"])
async def test_the_program_of_a_client_that_leaves_is_cancelled(
    talking: RayServer, tmp_path: Path, pause: float
) -> None:
    mark = tmp_path / "cancelled"
    left = await leave(talking.base_url, body("a", count=10_000, pause=pause, mark=str(mark)))
    until(lambda: mark.exists() and mark.read_text(), what="the cancellation")
    took = float(mark.read_text()) - left
    print(f"cancelled after {took:.3f} s")
    assert took < LIMIT


async def test_the_program_of_a_client_that_leaves_a_whole_reply_is_cancelled(
    talking: RayServer, tmp_path: Path
) -> None:
    mark = tmp_path / "cancelled"
    asked = body("a", stream=False, count=10_000, mark=str(mark))
    async with client() as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.post(f"{talking.base_url}/chat/completions", json=asked, timeout=1.0)
    left = time.time()
    until(lambda: mark.exists() and mark.read_text(), what="the cancellation")
    assert float(mark.read_text()) - left < LIMIT


async def test_others_go_on_when_clients_leave(talking: RayServer) -> None:
    async with client() as http:
        staying = [asyncio.create_task(ask(http, talking.base_url, body(f"s{n}", count=50))) for n in range(10)]
        await asyncio.gather(*(leave(talking.base_url, body(f"l{n}", count=1000)) for n in range(10)))
        streams = await asyncio.gather(*staying)
    assert all(stream.is_whole(f"s{n}", 50) for n, stream in enumerate(streams))
