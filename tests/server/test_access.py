import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mserve.errors import StartupError
from mserve.options import Options
from mserve.server.access import check_reach, is_private, key_lines, own_names
from mserve.server.config import Settings

OWN = ("localhost", "127.0.0.1", "::1")


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def test_keys_are_hashed_at_once_and_named_by_their_place_where_they_have_no_name() -> None:
    settings = Settings(api_key=("sesame", "bob:builder"), api_key_file="keys", ssl_keyfile_password="sesame")
    options = settings.options()
    assert options.api_keys == (f"key-1:{digest('sesame')}", f"bob:{digest('builder')}")
    assert options.api_key_file == "keys"
    assert "sesame" not in f"{settings}{options}"
    assert "builder" not in f"{settings}{options}"


@pytest.mark.parametrize(
    "key",
    ["", " ", "my key", ":", "bobby:", ":sesame", "bob by:sesame", "bobby:ses:ame", "s\xe9same", "bobby:sesame\n"],
)
def test_what_is_no_key_is_refused_without_its_text(key: str) -> None:
    with pytest.raises(StartupError, match=r"^--api-key takes KEY or NAME:KEY, and number 2 is neither: a key") as told:
        key_lines(("sesame", key))
    assert told.value.__suppress_context__
    for part in key.split(":"):
        assert len(part) < 3 or part not in str(told.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_this_machine_alone_needs_no_key(host: str) -> None:
    names = Settings(host=host).options().allowed_hosts
    assert (len(names), set(names)) == (len({*OWN, host}), {*OWN, host})


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "", "192.168.1.5", "10.0.0.1", "box", "localhost.example", "LOCALHOST.", "127.1", "0"]
)
def test_any_other_address_is_refused_without_a_key_unless_that_was_said(host: str) -> None:
    with pytest.raises(StartupError, match=r"^everybody who can reach .* could run these programs: set a key"):
        Settings(host=host).options()
    assert Settings(host=host, auth=False).options().allowed_hosts == (*OWN, *([host] if host else []))
    assert Settings(host=host, api_key=("sesame",)).options().allowed_hosts == ()
    assert Settings(host=host, api_key_file="keys").options().allowed_hosts == ()
    assert Settings(host=host, uds="socket", store="none").options() == Options()


@given(host=st.ip_addresses())
def test_an_address_is_open_where_others_reach_it(host: object) -> None:
    reached = not host.is_loopback  # type: ignore[attr-defined]  # both kinds have it
    try:
        check_reach(str(host), uds=False, auth=True, keyed=False)
    except StartupError:
        assert reached
    else:
        assert not reached


def test_to_ask_for_keys_and_for_none_is_refused() -> None:
    for keys in ({"api_key": ("sesame",)}, {"api_key_file": "keys"}):
        with pytest.raises(StartupError, match=r"^--no-auth lets everybody in, and there are keys, too"):
            Settings(auth=False, **keys).options()


@pytest.mark.parametrize("name", ["*", "box", "Box.LAN", "chat.example", "10.1.2.3", "fe80::1", "a_b"])
def test_a_name_to_be_called_by_is_taken(name: str) -> None:
    assert own_names("127.0.0.1", (name,), uds=False, keyed=False) == (*OWN, name)
    assert own_names("0.0.0.0", (name,), uds=False, keyed=True)[-1] == name
    assert own_names("0.0.0.0", (name,), uds=True, keyed=False)[-1] == name


@pytest.mark.parametrize(
    "name", ["", " ", "http://box", "box/", "box:8000", "a b", "a,b", "*.example", "[::1]:80", "a@b"]
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(StartupError, match=r"^--allowed-hosts takes ") as told:
        Settings(allowed_hosts=("box", name)).options()
    assert str(told.value).endswith(f", not {name!r}")


@pytest.mark.parametrize(
    ("settings", "private"),
    [
        (Settings(), True),
        (Settings(host="::1"), True),
        (Settings(uds="socket"), False),
        (Settings(root_path="/api"), False),
        (Settings(allowed_origins=("http://localhost:3000",)), True),
        (Settings(host="0.0.0.0", auth=False), False),
        (Settings(host="box"), False),
        (Settings(api_key=("sesame",)), False),
        (Settings(api_key_file="keys"), False),
        (Settings(allowed_hosts=("box.example",)), False),
        (Settings(allowed_hosts=("*",)), False),
        (Settings(allowed_origins=("*",)), False),
    ],
)
def test_a_server_is_private_where_nobody_thought_of_others(settings: Settings, private: bool) -> None:
    assert is_private(settings) is private
