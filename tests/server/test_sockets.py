import os
import re
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mserve.errors import StartupError
from mserve.server.sockets import bind, bind_unix, listening

# No name that a resolver would have to ask for: what is here is refused, or known, at once.
HOSTS = st.sampled_from(
    ["", "127.0.0.1", "localhost", "0.0.0.0", "192.0.2.1", "a..b", "x" * 300, "\udc80", "é..b", ":"]
)


@given(host=HOSTS)
def test_every_host_is_listened_on_or_told_with_the_way_out(host: str) -> None:
    why = ""
    before = open_files()
    try:
        bind(host, 0).close()
    except StartupError as error:
        why = str(error)
    assert open_files() == before
    assert not why or re.fullmatch(
        rf"cannot listen on {re.escape(host)}, port 0: .+; choose others with --host .*", why
    )


def open_files() -> list[str]:
    return os.listdir("/proc/self/fd")  # noqa: PTH208  # names alone: no object stays open


def test_a_port_in_use_is_told_as_such() -> None:
    with bind("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartupError, match=f"^port {port} on 127.0.0.1 is in use: choose another with --port"):
            bind("127.0.0.1", port)


def test_a_port_whose_last_connection_just_ended_is_free() -> None:
    with bind("127.0.0.1", 0) as first:
        first.listen()
        address = first.getsockname()
        with socket.create_connection(address) as client:
            server, _ = first.accept()
            server.close()  # the side that closes first waits for what is still under way
            assert client.recv(1) == b""
    bind(*address).close()


def test_who_comes_before_the_server_answers_waits_for_it() -> None:
    with bind("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()) as client:
        accepted, _ = listener.accept()
        with accepted:
            accepted.sendall(b"now")
            assert client.recv(3) == b"now"


def test_an_address_is_given_once() -> None:
    with bind("127.0.0.1", 0) as listener, pytest.raises(StartupError, match="in use"):
        bind("127.0.0.1", listener.getsockname()[1])


def test_the_socket_can_be_handed_to_other_processes() -> None:
    with bind("127.0.0.1", 0) as listener:
        assert listener.get_inheritable()


# ---- UNIX sockets


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    mask: int = request.param
    before = os.umask(mask)
    yield mask
    os.umask(before)


def test_the_umask_says_who_may_call_a_unix_socket(umask: int, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with listening("", 0, str(path)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o777 & ~umask


def test_a_unix_socket_is_there_as_long_as_it_is_listened_on(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with listening("", 0, str(path)) as listener, socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        listener.accept()[0].close()
    assert not path.exists()


def test_a_unix_socket_of_a_dead_server_is_replaced_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    path.chmod(0o600)
    with listening("", 0, str(path)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_unix_socket_of_a_server_that_lives_is_left_to_it(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    before = open_files()
    with listening("", 0, path):
        with pytest.raises(StartupError, match=f"^{path} is in use: choose another with --uds"):
            bind_unix(path)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
    assert open_files() == before


def test_a_unix_socket_that_another_server_has_taken_over_is_left_to_it(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with listening("", 0, str(path)):
        path.rename(tmp_path / "old")
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(path))
    assert path.exists()
    with listening("", 0, str(tmp_path / "gone")):
        (tmp_path / "gone").unlink()


@pytest.mark.parametrize("place", ["a file", "a folder", "no folder/socket", "x" * 200, "a\0b", "\ud800"])
def test_a_path_that_cannot_be_listened_on_is_told_with_the_way_out(tmp_path: Path, place: str) -> None:
    (tmp_path / "a file").write_text("precious")
    (tmp_path / "a folder").mkdir()
    before = open_files()
    with pytest.raises(StartupError, match=r"^cannot listen on .*; choose another with --uds$"):
        bind_unix(str(tmp_path / place))
    assert open_files() == before
    assert (tmp_path / "a file").read_text() == "precious"


# ---- connections


def test_connections_inherit_that_a_dead_peer_is_noticed() -> None:
    with bind("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 120_000
