import asyncio
from collections.abc import Iterator

import pytest

from on_ray.asking import ask, body, client
from on_ray.conftest import PROGRAMS
from raying import RayServer


@pytest.fixture(scope="module")
def narrow() -> Iterator[RayServer]:
    server = RayServer(
        str(PROGRAMS / "narrow.py"),
        str(PROGRAMS / "talker.py"),
        *("--max-runs", "1", "--queue-timeout", "1"),
        env={"MSERVE_API_KEY": "somebody:a-secret-key"},
    )
    server.deploy()
    yield server
    server.stop()


async def test_who_finds_no_room_is_told_to_come_again(narrow: RayServer) -> None:
    async with client() as http:
        http.headers["authorization"] = "Bearer a-secret-key"
        streams = await asyncio.gather(*(ask(http, narrow.base_url, body("a", "narrow", pause=0.3)) for _ in range(6)))
    answered = [stream for stream in streams if stream.status == 200]
    refused = [stream for stream in streams if stream.status != 200]
    assert answered
    assert refused
    assert all(stream.text == "begun a" and stream.done == 1 for stream in answered)
    for stream in refused:
        assert stream.status == 429
        assert int(stream.headers["retry-after"]) >= 1
        assert stream.error is not None
        assert stream.error["code"] == "overloaded"


async def test_who_waits_too_long_is_told_that_the_server_is_busy(narrow: RayServer) -> None:
    async with client() as http:
        http.headers["authorization"] = "Bearer a-secret-key"
        first = asyncio.create_task(ask(http, narrow.base_url, body("a", count=4, pause=1.0)))
        await asyncio.sleep(0.5)
        second = await ask(http, narrow.base_url, body("b", count=1))
        assert (await first).is_whole("a", 4)
    assert second.status == 503
    assert "retry-after" in second.headers
    assert second.error is not None
    assert second.error["code"] == "overloaded"


async def test_a_key_lets_in_and_its_name_reaches_the_program(narrow: RayServer) -> None:
    async with client() as http:
        strange = await ask(http, narrow.base_url, body("a"))
        http.headers["authorization"] = "Bearer a-secret-key"
        known = await ask(http, narrow.base_url, body("a", count=1, fails="told"))
    assert strange.status == 401
    assert "; somebody; " in known.text
