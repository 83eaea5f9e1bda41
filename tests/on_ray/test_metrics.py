import asyncio
import re
import time

import httpx
import pytest

from on_ray.asking import ask, body, client
from raying import RayServer, cluster

pytestmark = pytest.mark.timeout(180)


async def told(http: httpx.AsyncClient, pattern: str, limit: float = 60.0) -> re.Match[str]:
    """Wait until a node's metrics say something."""
    until = time.monotonic() + limit
    while True:
        pages = [(await http.get(f"http://127.0.0.1:{port}/metrics")).text for port in cluster().metrics_ports]
        if found := re.search(pattern, "\n".join(pages), re.MULTILINE):
            return found
        assert time.monotonic() < until, f"{pattern}: {re.findall('^ray_mserve.*', pages[0], re.MULTILINE)[:20]}"
        await asyncio.sleep(1)


async def test_ray_s_metrics_tell_runs_by_program_deployment_and_replica(talking: RayServer) -> None:
    async with client() as http:
        assert (await ask(http, talking.base_url, body("a", count=1))).is_whole("a", 1)
        running = asyncio.create_task(ask(http, talking.base_url, body("a", count=600, pause=0.1)))
        gauge = await told(
            http, rf'^ray_mserve_replica_runs{{(?=.*application="{talking.app}")(?=.*program="talker").*}} 1'
        )
        ended = await told(
            http, rf'^ray_mserve_runs_total{{(?=.*application="{talking.app}")(?=.*outcome="finished").*}} [1-9]'
        )
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert 'deployment="talker"' in gauge[0]
    assert re.search('replica="[^"]+"', gauge[0])
    assert 'deployment="ingress"' in ended[0]
