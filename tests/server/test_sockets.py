import os
import re
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mserve.errors import StartupError
from mserve.server.sockets import bind

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
