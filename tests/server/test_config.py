import logging
import logging.config
import math
from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st
from platformdirs import user_data_dir

from mserve.errors import StartupError
from mserve.options import Limits, Options, Times
from mserve.server.config import Settings
from mserve.server.uvicorn_config import uvicorn_config

LEVELS = {"critical": 50, "error": 40, "warning": 30, "info": 20, "debug": 10, "trace": 5}
DAY = 86400
RANGES = {
    "port": (0, 65535),
    "max_n": (1, 128),
    "max_body": (1, 2**63 - 1),
    "grace_period": (0, DAY),
    "ping_interval": (0.1, DAY),
    "gather_interval": (0, 1),
    "shutdown_timeout": (0, DAY),
    "close_timeout": (1, DAY),
    "drain_delay": (0, DAY),
    "max_header_size": (1024, 16 * 2**20),
    "header_timeout": (0.1, DAY),
    "body_timeout": (0.1, DAY),
    "timeout_keep_alive": (0, DAY),
    "limit_connections": (1, 10**6),
    "block_warning": (0, DAY),
}
NUMBERS = st.integers() | st.floats() | st.sampled_from([0, 0.1, 1, 65535, 65536, DAY, DAY + 1])


def test_the_defaults_are_the_apps_own_but_for_the_names_that_a_server_goes_by() -> None:
    kept = f"sqlite:///{user_data_dir('mserve')}/runs.db"
    assert Settings().options() == Options(allowed_hosts=("localhost", "127.0.0.1", "::1"), store=kept)


def test_what_the_app_is_told_is_what_was_set() -> None:
    settings = Settings(
        max_body=1, grace_period=2.5, ping_interval=3.5, gather_interval=0.25,
        shutdown_timeout=4, strict_model=True, allowed_origins=("*",),
        max_n=5, reasoning_format="think", alias=("gpt-4o=hello", "org/a=b=c"),
        metrics=False,
        allowed_hosts=("box",), store="postgresql://box/runs", store_ttl=60, store_size=2**20,
    )  # fmt: skip
    assert settings.options() == Options(
        limits=Limits(max_body=1, choices=5),
        times=Times(grace=2.5, ping=3.5, gather=0.25, shutdown=4),
        aliases={"gpt-4o": "hello", "org/a": "b=c"},
        strict_model=True,
        reasoning="think",
        metrics=False,
        allowed_origins=("*",),
        allowed_hosts=("localhost", "127.0.0.1", "::1", "box"),
        store="postgresql://box/runs",
        store_ttl=60,
        store_size=2**20,
    )


def test_nothing_is_kept_where_that_was_said() -> None:
    assert Settings(store="none").options().store is None


@pytest.mark.parametrize("store", ["", "runs.db", "sqlite://runs.db", "mysql://box/runs", "None"])
def test_a_store_of_no_known_kind_is_refused(store: str) -> None:
    with pytest.raises(StartupError, match=r"--store takes sqlite:///path, postgresql://user@host/database or none"):
        Settings(store=store).options()


@given(name=st.sampled_from(sorted(RANGES)), number=NUMBERS)
def test_a_number_is_refused_by_its_name_where_it_makes_no_sense(name: str, number: float) -> None:
    least, most = RANGES[name]
    settings = Settings(**{name: number})  # type: ignore[arg-type]  # one of its numbers
    with (
        nullcontext()
        if least <= number <= most
        else pytest.raises(StartupError, match=f"^--{name.replace('_', '-')} is a number from ")
    ):
        settings.options()


@pytest.mark.parametrize("interval", [0, -1, math.nan, math.inf])
def test_a_stream_of_nothing_but_comments_is_refused(interval: float) -> None:
    with pytest.raises(StartupError, match=rf"--ping-interval is a number from 0\.1 to 86400, not {interval}"):
        Settings(ping_interval=interval).options()


@pytest.mark.parametrize(
    "origin",
    ["https://chat.example", "http://localhost:3000", "http://[::1]:8080", "http://a:8", "https://a:80", "*",
     "tauri://localhost", "chrome-extension://abcdefgh", "https://xn--caf-dma.example"],
)  # fmt: skip
def test_an_origin_as_browsers_send_it_is_taken(origin: str) -> None:
    assert Settings(allowed_origins=("http://a", origin)).options().allowed_origins == ("http://a", origin)


@pytest.mark.parametrize(
    "origin",
    ["", "localhost:3000", "https://chat.example/", "https://Chat.example", "https://chat.example:443", "http://a:80",
     "http://a,http://b", "http://a http://b", '["http://a"]', "https://*.example", "https://", "null", "http://\xe9",
     "http://a\n", "hello.py"],
)  # fmt: skip
def test_an_origin_that_no_browser_sends_is_refused(origin: str) -> None:
    with pytest.raises(StartupError, match=r"^--allowed-origins takes ") as told:
        Settings(allowed_origins=("http://a", origin)).options()
    assert str(told.value).endswith(f", not {origin!r}")


@pytest.mark.parametrize("alias", ["", "=", "gpt-4o", "gpt-4o=", "=hello"])
def test_an_alias_without_both_names_is_refused(alias: str) -> None:
    with pytest.raises(StartupError) as told:
        Settings(alias=("a=b", alias)).options()
    assert str(told.value) == (f"--alias takes a name and a program's name, as in --alias gpt-4o=hello, not {alias!r}")


def test_an_alias_of_two_programs_is_refused() -> None:
    with pytest.raises(StartupError, match=r"^--alias gives the name 'x' twice$"):
        Settings(alias=("x=a", "y=a", "x=b")).options()
    assert Settings(alias=("x=a", "y=a")).options().aliases == {"x": "a", "y": "a"}


def test_uvicorn_is_told_what_was_set() -> None:
    settings = Settings(
        host="::1", port=1, uds="s", access_log=False, root_path="/r",
    )  # fmt: skip
    config = uvicorn_config(object(), settings)
    assert (config.host, config.port, config.uds, config.root_path) == ("::1", 1, "s", "/r")
    assert config.access_log is False


@pytest.mark.parametrize("level", LEVELS)
def test_the_level_counts_for_our_log_and_uvicorn_keeps_its_chatter_to_itself(level: str) -> None:
    config = uvicorn_config(object(), Settings(log_level=level))  # type: ignore[arg-type]  # a name from the list
    config.configure_logging()
    assert logging.getLogger("mserve").level == LEVELS[level]
    assert logging.getLogger("mserve.access").isEnabledFor(logging.INFO) == (LEVELS[level] <= logging.INFO)
    chatty = logging.getLogger("uvicorn.error").isEnabledFor(logging.INFO)
    assert chatty == (LEVELS[level] < logging.INFO)
