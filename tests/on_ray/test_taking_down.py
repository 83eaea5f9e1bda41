import asyncio

import pytest

from on_ray.asking import ask, body, client
from on_ray.conftest import PROGRAMS
from raying import RayServer, cluster

pytestmark = pytest.mark.timeout(180)

TALKER = str(PROGRAMS / "talker.py")


async def test_what_takes_long_to_be_taken_down_is_waited_for() -> None:
    server = RayServer(TALKER)
    await asyncio.to_thread(server.deploy)
    async with client() as http:
        stream = asyncio.create_task(ask(http, server.base_url, body("a", count=70, pause=1.0)))
        await asyncio.sleep(2)  # it has begun
        done = await asyncio.to_thread(cluster().deploy, "--delete", "--app", server.app)
        assert (await stream).is_whole("a", 70)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "its streams have not ended yet" in done.stderr


async def test_an_application_is_taken_down_and_others_stay(talking: RayServer) -> None:
    other = RayServer(TALKER, "--timeout-keep-alive", "4")
    await asyncio.to_thread(other.deploy)
    assert f"deploying {other.app} on the cluster {cluster().address}" in other.said
    assert "--timeout-keep-alive 4 counts for nothing: the proxies of this cluster run with 5" in other.said
    async with client() as http:
        assert (await ask(http, other.base_url, body("a", count=1))).is_whole("a", 1)
        done = await asyncio.to_thread(cluster().deploy, "--delete", "--app", other.app)
        assert done.returncode == 0, done.stderr
        assert (await http.get(f"{other.base_url}/models")).status_code == 404
        assert (await ask(http, talking.base_url, body("a", count=1))).is_whole("a", 1)
