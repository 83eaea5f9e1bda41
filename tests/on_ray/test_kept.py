import asyncio
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from on_ray.asking import client
from on_ray.conftest import PROGRAMS
from postgres import Postgres
from raying import RayServer, until

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def keeping() -> Iterator[RayServer]:
    with Postgres() as postgres:
        store = {"MSERVE_STORE": postgres.empty()}
        server = RayServer(str(PROGRAMS / "talker.py"), "--replicas", "2", "--ingress-replicas", "2", env=store)
        server.deploy()
        yield server
        server.stop()


async def begin(http: httpx.AsyncClient, url: str, **fields: Any) -> dict[str, Any]:
    asked = {"model": "talker", "input": "a", "background": True, **fields}
    answer = await http.post(f"{url}/responses", json=asked)
    began: dict[str, Any] = answer.raise_for_status().json()
    return began


async def status_until(http: httpx.AsyncClient, url: str, end: str, limit: float = 60.0) -> dict[str, Any]:
    """Ask until a run has ended so; each request may be answered by another ingress."""
    until = time.monotonic() + limit
    while (seen := (await http.get(url)).json())["status"] != end:
        assert time.monotonic() < until, seen
        await asyncio.sleep(0.1)
    found: dict[str, Any] = seen
    return found


def text_of(response: dict[str, Any]) -> str:
    return "".join(part["text"] for item in response["output"] for part in item["content"])


async def test_a_run_goes_on_without_its_client_and_any_ingress_finds_it(keeping: RayServer) -> None:
    async with client() as http:
        began = await begin(http, keeping.base_url, count=20)
        ended = await status_until(http, f"{keeping.base_url}/responses/{began['id']}", "completed")
    assert text_of(ended).split()[1:] == [f"a/{number}" for number in range(20)]


async def test_a_run_is_cancelled_through_any_ingress(keeping: RayServer) -> None:
    async with client() as http:
        runs = [await begin(http, keeping.base_url, count=10_000) for _ in range(4)]
        for run in runs:  # through whichever ingress: of the four one meets another than its own, as good as surely
            (await http.post(f"{keeping.base_url}/responses/{run['id']}/cancel")).raise_for_status()
        for run in runs:
            await status_until(http, f"{keeping.base_url}/responses/{run['id']}", "cancelled")


async def test_an_update_lets_runs_end_that_nobody_waits_for(keeping: RayServer) -> None:
    async with client() as http:
        runs = [await begin(http, keeping.base_url, count=40, pause=0.5) for _ in range(4)]
        before = _all(keeping)
        await asyncio.to_thread(keeping.deploy)
        for run in runs:
            ended = await status_until(http, f"{keeping.base_url}/responses/{run['id']}", "completed")
            assert text_of(ended).split()[1:] == [f"a/{number}" for number in range(40)]
    gone = await asyncio.to_thread(until, lambda: not before & _all(keeping), 30, "the end of the old replicas")
    print(f"the old replicas ended {gone:.1f} s after their runs")


def _all(keeping: RayServer) -> set[int]:
    return keeping.replicas("ingress") | keeping.replicas("talker")


async def killed(keeping: RayServer, deployment: str) -> list[dict[str, Any]]:
    """Kill one replica with runs on all of them; give how the runs ended."""
    async with client() as http:
        runs = [await begin(http, keeping.base_url, count=100, pause=0.15) for _ in range(8)]
        await asyncio.sleep(3)
        os.kill(min(keeping.replicas(deployment)), signal.SIGKILL)
        at = time.monotonic()
        ended: list[dict[str, Any]] = []
        while len(ended) < len(runs):
            assert time.monotonic() - at < 90, ended
            await asyncio.sleep(0.2)
            try:
                seen = (await http.get(f"{keeping.base_url}/responses/{runs[len(ended)]['id']}")).json()
            except (httpx.HTTPError, ValueError):  # of an ingress that has just died
                continue
            if seen.get("status") in ("completed", "failed"):
                ended.append(seen)
    return ended


@pytest.mark.parametrize("deployment", ["talker", "ingress"])
async def test_the_death_of_a_replica_ends_its_runs_as_failed_with_what_they_said(
    keeping: RayServer, deployment: str
) -> None:
    failed: list[dict[str, Any]] = []
    for _ in range(3):  # Ray prefers an ingress of the proxy's own node: another one may have no runs
        ended = await killed(keeping, deployment)
        for one in ended:
            words = text_of(one).split()[1:]
            assert words == [f"a/{number}" for number in range(len(words))]
            assert words
            assert one["status"] == "failed" or len(words) == 100
        failed = [one for one in ended if one["status"] == "failed"]
        if failed:
            break
    assert failed
    for one in failed:
        assert "died" in one["error"]["message"] or "ended before" in one["error"]["message"]
