"""What the tests on a cluster share: programs that say who they are, deployed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from raying import RayServer

PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture(scope="session")
def talking() -> Iterator[RayServer]:
    """Both programs, each on two replicas."""
    server = RayServer(str(PROGRAMS / "talker.py"), str(PROGRAMS / "upper.py"), "--replicas", "2")
    server.deploy()
    yield server
    server.stop()
