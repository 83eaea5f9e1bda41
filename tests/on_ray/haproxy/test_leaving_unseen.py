"""Ray's HAProxy does not always see a client leave while nothing is said: pings tell it."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from on_ray.asking import body
from on_ray.conftest import PROGRAMS
from on_ray.test_leaving import leave
from raying import RayServer, until

pytestmark = pytest.mark.timeout(180)

PING = 0.5


@pytest.fixture(scope="module")
def pinging() -> Iterator[RayServer]:
    server = RayServer(str(PROGRAMS / "talker.py"), "--replicas", "2", "--ping-interval", str(PING))
    server.deploy()
    yield server
    server.stop()


def is_said(mark: Path) -> bool:
    return mark.exists() and bool(mark.read_text())


@pytest.mark.parametrize(("pause", "limit"), [(0.02, 1.0), (30.0, 2 * PING + 1.0)], ids=["it talks", "it thinks"])
async def test_the_program_of_a_client_that_leaves_is_cancelled_two_pings_later_at_most(
    pinging: RayServer, tmp_path: Path, pause: float, limit: float
) -> None:
    took = []
    for number in range(6):
        mark = tmp_path / str(number)
        left = await leave(pinging.base_url, body("a", count=10_000, pause=pause, mark=str(mark)))
        until(partial(is_said, mark), what="the cancellation")
        took.append(float(mark.read_text()) - left)
        assert took[-1] < limit
    print("cancelled after", ", ".join(f"{one:.3f}" for one in took), "s")
