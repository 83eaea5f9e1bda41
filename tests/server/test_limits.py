import resource
import subprocess
import sys

import pytest

from mserve.server.limits import make_room

ASK = """
import logging, resource, sys
from mserve.server.limits import make_room
logging.basicConfig(format="%(message)s")
soft, hard, connections = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(make_room(connections), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def room(soft: int, hard: int, connections: int) -> tuple[tuple[int, int], str]:
    """How many connections there may be, how many files may be open then, and what was logged."""
    command = [sys.executable, "-c", ASK, str(soft), str(hard), str(connections)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    connections, files = map(int, done.stdout.split())
    return (connections, files), done.stderr


@pytest.mark.parametrize(
    ("soft", "hard", "connections", "given"),
    [
        (1000, 10_000, 100, (100, 1000)),  # there is room
        (1000, 10_000, 2000, (2000, 4256)),  # it is made: two files for each, and ours
        (1000, 3000, 2000, (2000, 3000)),  # as much as there is
    ],
)
def test_files_are_allowed_as_connections_need_them(
    soft: int, hard: int, connections: int, given: tuple[int, int]
) -> None:
    assert room(soft, hard, connections) == (given, "")


@pytest.mark.parametrize(("hard", "fits"), [(1000, 744), (200, 1)])
def test_what_the_system_has_no_room_for_is_not_promised(hard: int, fits: int) -> None:
    (connections, files), told = room(min(hard, 500), hard, 2000)
    assert (connections, files) == (fits, hard)
    assert told.strip() == f"the system allows {hard} open files: there may be {fits} connections, not 2000"


def test_a_system_that_allows_less_than_it_says_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("not allowed")

    now = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    monkeypatch.setattr(resource, "setrlimit", refuse)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (now, resource.RLIM_INFINITY))
    assert make_room(now) == now - 256


def test_what_is_not_ours_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1000, 10_000))
    assert [make_room(wanted, may_grow=False) for wanted in (100, 2000)] == [100, 744]
    assert caplog.messages == []


def test_no_limit_needs_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert make_room(10**9) == 10**9
