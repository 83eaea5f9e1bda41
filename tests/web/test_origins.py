import pytest
from hypothesis import given
from hypothesis import strategies as st

from mserve.web.origins import host_name, is_own, one_spelling, refused_host

PORTS = st.none() | st.integers(0, 65535)


@given(name=st.from_regex(r"[A-Za-z0-9._-]{1,80}", fullmatch=True), port=PORTS)
def test_a_name_is_told_from_its_port_and_its_case(name: str, port: int | None) -> None:
    host = name if port is None else f"{name}:{port}"
    assert host_name(host) == host_name(host.upper()) == one_spelling(name.lower())


@given(address=st.ip_addresses(v=6), port=PORTS)
def test_an_address_has_one_spelling(address: object, port: int | None) -> None:
    exploded = address.exploded  # type: ignore[attr-defined]  # an IPv6Address
    host = f"[{exploded}]" if port is None else f"[{exploded}]:{port}"
    assert host_name(host) == host_name(f"[{address}]") == one_spelling(exploded) == str(address)


@pytest.mark.parametrize(
    "host",
    ["", " ", ":8000", "a b", "a:b", "a:1:2", "::1", "[::1", "[]", "[::1]x", "[::1]:x", "a/b", "a@b", "localhost@a",
     "a#localhost", "a?localhost", "a\\b", "a,localhost", "localhost, a",
     "localhost\n", "\tlocalhost", "localhost:80 "],
)  # fmt: skip
def test_what_is_no_host_has_no_name(host: str) -> None:
    assert host_name(host) == ""
    assert refused_host(host).message == "The request has no Host that could be a server's name."


@pytest.mark.parametrize(
    ("origin", "scheme", "host", "own"),
    [
        ("http://127.0.0.1:8000", "http", "127.0.0.1:8000", True),
        ("http://localhost:8000", "http", "LOCALHOST:8000", True),
        ("http://[::1]:8000", "http", "[::1]:8000", True),
        ("https://chat.example", "https", "chat.example", True),
        ("https://chat.example", "http", "chat.example", True),  # a proxy ends TLS
        ("http://chat.example", "https", "chat.example", False),
        ("http://127.0.0.1:8001", "http", "127.0.0.1:8000", False),
        ("http://127.0.0.1", "http", "127.0.0.1:8000", False),
        ("http://localhost:8000", "http", "127.0.0.1:8000", False),
        ("http://127.0.0.1:8000.evil.example", "http", "127.0.0.1:8000", False),
        ("http://127.0.0.1:8000@evil.example", "http", "127.0.0.1:8000", False),
        ("http://127.0.0.1:8000/", "http", "127.0.0.1:8000", False),
        ("127.0.0.1:8000", "http", "127.0.0.1:8000", False),
        ("//127.0.0.1:8000", "http", "127.0.0.1:8000", False),
        ("ftp://127.0.0.1:8000", "http", "127.0.0.1:8000", False),
        ("chrome-extension://127.0.0.1:8000", "http", "127.0.0.1:8000", False),
        ("null", "http", "127.0.0.1:8000", False),
        ("null", "http", "null", False),
        ("", "http", "", False),
        ("http://", "http", "", False),
    ],
)
def test_an_own_page_has_the_address_that_it_asks(origin: str, scheme: str, host: str, own: bool) -> None:
    assert is_own(origin, scheme, host) == own
