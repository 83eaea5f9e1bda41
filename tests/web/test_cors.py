"""What browsers are told about pages of other origins; in `tests/clients` a browser itself obeys it."""

import re
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import httpx
import pytest

import mserve
from mserve import Options
from processes import Serve, ServerProcess

OURS, THEIRS = "https://chat.example", "https://evil.example"
BODY: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}]}
PROGRAM = """
import asyncio

async def serve(prompt):
    if prompt == "fail":
        raise RuntimeError("a secret of the operator")
    for word in ("one", "two", "three"):
        yield word
        await asyncio.sleep(0.2)
"""


@pytest.fixture(scope="module")
def named(serve_module: Serve) -> ServerProcess:
    flags = ("--allowed-origins", OURS, "--allowed-origins", "http://localhost:3000", "--max-body", "1000")
    return serve_module(PROGRAM, flags=flags)


@pytest.fixture(scope="module")
def pages(named: ServerProcess) -> Iterator[httpx.Client]:
    """A page of an origin that the server was told of."""
    with httpx.Client(base_url=named.base_url, headers={"Origin": OURS}, timeout=10) as client:
        yield client


def preflight(base_url: str, origin: str, path: str = "/chat/completions", **more: str) -> httpx.Response:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    asked |= {f"Access-Control-Request-{name.replace('_', '-')}": value for name, value in more.items()}
    return httpx.options(f"{base_url}{path}", headers=asked)


def cors_of(reply: httpx.Response) -> dict[str, str]:
    start = "access-control-"
    return {name.removeprefix(start): value for name, value in reply.headers.items() if name.startswith(start)}


def test_by_default_no_page_is_told_anything(server: ServerProcess, client: httpx.Client) -> None:
    asked = preflight(server.base_url, OURS, Headers="authorization,content-type")
    listed, lost = (client.get(path, headers={"Origin": OURS}) for path in ("/models", "/nowhere"))
    for reply in (asked, listed, lost):
        assert (reply.status_code, reply.json()["error"]["code"]) == (403, "origin_not_allowed")
        assert cors_of(reply) == {}
        assert "vary" not in reply.headers


@pytest.mark.parametrize("origin", [OURS, "http://localhost:3000"])
@pytest.mark.parametrize("path", ["/chat/completions", "/models", "/nowhere"])
def test_a_page_of_a_named_origin_may_send_whatever_it_asks_for(named: ServerProcess, origin: str, path: str) -> None:
    headers = "authorization,content-type,x-stainless-lang,x-stainless-retry-count"
    reply = preflight(named.base_url, origin, path, Headers=headers)
    assert reply.status_code == 200
    told = cors_of(reply)
    assert {"GET", "HEAD", "POST", "DELETE"} <= set(told.pop("allow-methods").split(", "))
    assert told == {"allow-origin": origin, "allow-headers": headers, "max-age": "7200"}
    assert "Origin" in reply.headers["vary"]


def test_a_public_page_may_reach_into_a_private_network(named: ServerProcess) -> None:
    assert cors_of(preflight(named.base_url, OURS, Private_Network="true"))["allow-private-network"] == "true"


@pytest.mark.parametrize(
    "origin", [THEIRS, "null", f"{OURS}.evil.example", "http://chat.example", "https://chat.exampl"]
)
def test_a_page_of_another_origin_is_told_no_in_our_shape(named: ServerProcess, origin: str) -> None:
    reply = preflight(named.base_url, origin, Headers="authorization")
    assert (reply.status_code, cors_of(reply), reply.headers["vary"]) == (403, {}, "Origin")
    error = reply.json()["error"]
    assert (error["type"], error["code"], error["param"]) == ("permission_error", "origin_not_allowed", None)
    assert f"Pages of {origin} may not call this server" in error["message"]
    assert "--allowed-origins" in error["message"]


def test_a_preflight_for_a_method_that_no_page_can_use_is_told_so_in_our_shape(named: ServerProcess) -> None:
    reply = preflight(named.base_url, OURS, Method="TRACE")
    assert (reply.status_code, cors_of(reply), reply.headers["vary"]) == (405, {}, "Origin")
    assert reply.headers["allow"] == cors_of(preflight(named.base_url, OURS))["allow-methods"]
    assert reply.json()["error"]["code"] == "method_not_allowed"


def test_a_preflight_has_to_call_the_server_by_a_name_of_its_own(named: ServerProcess) -> None:
    asked = {"Origin": OURS, "Access-Control-Request-Method": "POST", "Host": "evil.example"}
    reply = httpx.options(f"{named.base_url}/models", headers=asked)
    assert (reply.status_code, cors_of(reply)) == (403, {})
    assert reply.json()["error"]["code"] == "host_not_allowed"


def test_with_keys_a_preflight_needs_none_and_is_refused_all_the_same(serve: Serve) -> None:
    server = serve(PROGRAM, flags=("--allowed-origins", OURS), env={"MSERVE_API_KEY": "sesame"})
    told = [preflight(server.base_url, origin).status_code for origin in (OURS, THEIRS)]
    assert told == [200, 403]


def test_a_refused_preflight_is_counted_by_its_reason(serve: Serve) -> None:
    server = serve(PROGRAM, flags=("--allowed-origins", OURS))
    preflight(server.base_url, THEIRS)
    preflight(server.base_url, OURS, Method="TRACE")
    preflight(server.base_url, OURS)
    numbers = httpx.get(f"{server.base_url.removesuffix('/v1')}/metrics").text
    counted = re.findall(r'mserve_errors_total\{kind="(\w+)",program="other"\} 1.0', numbers)
    assert sorted(counted) == ["method_not_allowed", "origin_not_allowed"]


def test_what_is_no_preflight_is_answered_as_ever_and_only_browsers_hear_of_origins(named: ServerProcess) -> None:
    listed = httpx.get(f"{named.base_url}/models")
    refused = httpx.get(f"{named.base_url}/models", headers={"Origin": THEIRS})
    asked = httpx.options(f"{named.base_url}/models", headers={"Origin": OURS})
    assert (listed.status_code, refused.status_code, asked.status_code) == (200, 403, 204)
    assert "allow-origin" not in cors_of(listed) | cors_of(refused)
    assert (
        listed.headers["vary"] == refused.headers["vary"] == "Origin"
    )  # or a cache would give one's answer to another
    assert cors_of(asked)["allow-origin"] == OURS


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b'{"messages": [{"role": "user", "content": "hi"}]}', "application/json"),
        (400, b"{", "application/json"),
        (413, b" " * 1001, "application/json"),
        (415, b"{}", "text/plain"),
        (500, b'{"messages": [{"role": "user", "content": "fail"}]}', "application/json"),
    ],
)
def test_every_answer_can_be_read_with_all_its_headers(
    pages: httpx.Client, status: int, body: bytes, kind: str
) -> None:
    reply = pages.post("/chat/completions", content=body, headers={"content-type": kind})
    assert reply.status_code == status
    assert cors_of(reply) == {"allow-origin": OURS, "expose-headers": "*"}


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("PUT", "/models", 405)])
def test_a_path_and_a_method_that_are_not_served_can_be_read(
    pages: httpx.Client, method: str, path: str, status: int
) -> None:
    reply = pages.request(method, path)
    assert reply.status_code == status
    assert cors_of(reply)["allow-origin"] == OURS


async def test_a_failure_of_the_server_itself_can_be_read(caplog: pytest.LogCaptureFixture) -> None:
    async def receive() -> Any:
        raise RuntimeError("a secret of the host")

    async def send(message: Any) -> None:
        sent.append(message)

    sent: list[Any] = []
    headers = [(b"content-type", b"application/json"), (b"origin", OURS.encode())]
    scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": headers}
    await mserve.create_app(lambda prompt: prompt, options=Options(allowed_origins=(OURS,)))(scope, receive, send)
    assert "a secret of the host" in caplog.text
    assert b'"code":"internal_error"' in sent[1]["body"]
    assert (b"access-control-allow-origin", OURS.encode()) in sent[0]["headers"]


def test_a_stream_is_not_held_back(pages: httpx.Client) -> None:
    with pages.stream("POST", "/chat/completions", json=BODY | {"stream": True}) as reply:
        assert cors_of(reply)["allow-origin"] == OURS
        assert reply.headers["x-accel-buffering"] == "no"
        times = [time.monotonic() for line in reply.iter_lines() if '"content"' in line]
    assert len(times) == 3
    assert min(later - earlier for earlier, later in pairwise(times)) > 0.1


def test_a_star_is_every_origin_without_its_cookies(serve: Serve) -> None:
    server = serve(PROGRAM, env={"MSERVE_ALLOWED_ORIGINS": "*"})
    for origin in (THEIRS, "null"):
        assert cors_of(preflight(server.base_url, origin, Headers="x-mine"))["allow-headers"] == "x-mine"
        reply = httpx.get(f"{server.base_url}/models", headers={"Origin": origin})
        assert cors_of(reply) == {"allow-origin": "*", "expose-headers": "*"}


def test_several_origins_in_one_variable_are_separated_by_spaces(serve: Serve) -> None:
    server = serve(PROGRAM, env={"MSERVE_ALLOWED_ORIGINS": f"{OURS} http://localhost:3000"})
    told = [preflight(server.base_url, origin).status_code for origin in (OURS, "http://localhost:3000", THEIRS)]
    assert told == [200, 200, 403]
