"""Every way past the guard that anybody thought of, and that none of them leads in."""

import asyncio
import re
import socket
from typing import Any
from urllib.parse import urlsplit

import httpx
import openai
import pytest
from hypothesis import given
from hypothesis import settings as settings_of
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Mount

import mserve
from mserve import Options
from mserve.web.app import App
from mserve.web.guard import OPEN_PATHS, Guard
from mserve.web.keys import line_of
from processes import Serve, ServerProcess

KEY, OTHER = "sesame-open", "other-key-of-bob"
BODY = '{"messages":[{"role":"user","content":"hi"}]}'
OURS, THEIRS = "https://chat.example", "https://evil.example"
PROGRAM = """
import json

def serve(prompt, caller, headers):
    print("ran:", caller, flush=True)
    return json.dumps({"caller": caller, "headers": dict(headers)})
"""


@pytest.fixture(scope="module")
def keyed(serve_module: Serve) -> ServerProcess:
    environment = {"MSERVE_API_KEY": f"alice:{KEY} {OTHER}"}
    return serve_module(PROGRAM, flags=("--name", "p", "--max-body", "1000", "--log-level", "trace"), env=environment)


@pytest.fixture(scope="module")
def local(serve_module: Serve) -> ServerProcess:
    flags = ("--name", "p", "--allowed-origins", OURS, "--allowed-hosts", "Box.LAN")
    return serve_module(PROGRAM, flags=flags)


def answers(server: ServerProcess, raw: bytes) -> list[int]:
    """The statuses of all that a connection is told, which closes then."""
    url = urlsplit(server.base_url)
    with socket.create_connection((url.hostname or "", url.port or 0), timeout=3) as connection:
        connection.sendall(raw)
        told = b"".join(iter(lambda: connection.recv(65536), b""))
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", told)]


def asking(*headers: str, line: str = "POST /v1/chat/completions HTTP/1.1", host: str = "Host: localhost") -> bytes:
    head = [line, *([host] if host else []), "Content-Type: application/json", f"Content-Length: {len(BODY)}"]
    lines = [*head, *headers, "Connection: close", "", BODY]
    return "\r\n".join(lines).encode("latin-1")


def ran(server: ServerProcess) -> int:
    return server.output.count("ran: ")


# ---- with keys


@pytest.mark.parametrize(
    ("headers", "caller"),
    [
        ([f"Authorization: Bearer {KEY}"], "alice"),
        ([f"authorization: bearer {KEY}"], "alice"),
        ([f"AUTHORIZATION: BEARER   {KEY}  "], "alice"),
        ([f"X-API-Key: {OTHER}"], "key-2"),
        ([f"x-api-key:\t{KEY}\t"], "alice"),
        ([f"Authorization: Bearer {KEY}", f"x-api-key: {KEY}"], "alice"),
        ([f"x-api-key: {KEY}", "Authorization: Basic Zm9yOm5naW54"], "alice"),
    ],
)
def test_who_shows_a_key_gets_in_by_its_name(keyed: ServerProcess, headers: list[str], caller: str) -> None:
    assert answers(keyed, asking(*headers)) == [200]
    keyed.wait_for(f"ran: {caller}\n")


WRONG = {
    "none": [],
    "empty": ["Authorization:"],
    "a scheme alone": ["Authorization: Bearer"],
    "a scheme and blanks": ["Authorization: Bearer    "],
    "no scheme": [f"Authorization: {KEY}"],
    "another scheme": [f"Authorization: Basic {KEY}"],
    "a longer scheme": [f"Authorization: Bearers {KEY}"],
    "no blank": [f"Authorization: Bearer:{KEY}"],
    "a tab": [f"Authorization: Bearer\t{KEY}"],
    "quotes": [f'Authorization: Bearer "{KEY}"'],
    "with its name": [f"Authorization: Bearer alice:{KEY}"],
    "its name": ["Authorization: Bearer alice"],
    "its hash": [f"x-api-key: {line_of('alice', KEY).partition(':')[2]}"],
    "its line": [f"x-api-key: {line_of('alice', KEY)}"],
    "a beginning": [f"x-api-key: {KEY[:-1]}"],
    "one too many": [f"x-api-key: {KEY}x"],
    "another case": [f"x-api-key: {KEY.upper()}"],
    "escaped": ["x-api-key: sesame%2Dopen"],
    "empty x-api-key": ["x-api-key:"],
    "a blank": ["x-api-key:   "],
    "two in one": [f"x-api-key: {KEY}, {KEY}"],
    "two in one bearer": [f"Authorization: Bearer {KEY}, Bearer {KEY}"],
    "two words": [f"Authorization: Bearer {KEY} {KEY}"],
    "not ASCII": ["x-api-key: s\xe9same-open"],
    "very long": ["x-api-key: " + "a" * 50_000],
    "very long with the key": [f"x-api-key: {KEY}{' ' * 500}{'a' * 5000}"],
    "right and wrong": [f"Authorization: Bearer {KEY}", "x-api-key: wrong"],
    "wrong and right": ["Authorization: Bearer wrong", f"x-api-key: {KEY}"],
    "empty and right": ["Authorization: Bearer", f"x-api-key: {KEY}"],
    "right and empty": [f"Authorization: Bearer {KEY}", "x-api-key:"],
    "two callers": [f"Authorization: Bearer {KEY}", f"x-api-key: {OTHER}"],
    "double": [f"x-api-key: {KEY}", f"x-api-key: {KEY}"],
    "double, one wrong": ["x-api-key: wrong", f"x-api-key: {KEY}"],
    "double bearer": [f"Authorization: Bearer {KEY}", f"Authorization: Bearer {KEY}"],
    "double bearer, one wrong": [f"Authorization: Bearer {KEY}", "Authorization: Bearer wrong"],
    "a basic and a bearer": ["Authorization: Basic eDp5", f"Authorization: Bearer {KEY}"],
    "another header": [f"api-key: {KEY}", f"x-goog-api-key: {KEY}", f"Proxy-Authorization: Bearer {KEY}"],
    "underscores": [f"x_api_key: {KEY}", f"HTTP_AUTHORIZATION: Bearer {KEY}"],
    "a cookie": [f"Cookie: api_key={KEY}; Authorization=Bearer {KEY}"],
    "said to be local": ["X-Forwarded-For: 127.0.0.1", "X-Real-IP: 127.0.0.1", "Forwarded: for=127.0.0.1"],
    "said to be another path": ["X-Original-URL: /health/live", "X-Rewrite-URL: /health/live"],
    "said to be under another root": ["X-Forwarded-Prefix: /v1/chat", "X-Script-Name: /v1/chat/completions"],
    "said to be another method": ["X-HTTP-Method-Override: OPTIONS"],
    "said to be let in": ["X-Forwarded-User: alice", "mserve.caller: alice", "X-Mserve-Caller: alice"],
    "a preflight's headers": ["Origin: https://chat.example", "Access-Control-Request-Method: POST"],
}


@pytest.mark.parametrize("headers", WRONG.values(), ids=WRONG)
def test_what_is_no_key_is_a_401(keyed: ServerProcess, headers: list[str]) -> None:
    before = ran(keyed)
    assert answers(keyed, asking(*headers)) == [401]
    assert ran(keyed) == before


LINES = [
    f"{method} {path} HTTP/1.{version}"
    for method, version in (("POST", 1), ("GET", 1), ("HEAD", 1), ("OPTIONS", 1), ("DELETE", 1), ("GET", 0))
    for path in (
        "/v1/chat/completions", "//v1/chat/completions", "/v1//chat/completions", "/v1/chat/completions/",
        "/v1/chat/completions?api_key=sesame-open", "/V1/CHAT/COMPLETIONS", "/v1/chat%2Fcompletions",
        "/v1/chat/completions%20", "/v1/chat/completions%00", "/v1/chat/completions;x", "/%76%31/models", "/v1/models",
        "/v1/models/", "/v1/models/p", "/v1/models/../../health/live", "/v1/models/..%2f..%2fhealth%2flive",
        "/v1/models/%2e%2e/%2e%2e/health/live", "/health/live/../../v1/models", "/health/live/%2e%2e/v1/models",
        "/health/live/", "//health/live", "/health//live", "/health/live%20", "/health/live%0a%0a", "/health/live;",
        "/health", "/HEALTH/LIVE", "/./health/live", "/x/../health/live", "/health/live%00/v1/models",
        "/health/live/v1/models", "/health%252flive",
        "/health\\live", "/", "/docs", "/openapi.json", "/metrics", "/nowhere", "/v1/responses",
        "http://localhost/v1/models", "http://localhost/v1/models?/health/live", "http://x@localhost/v1/chat/completions",
        "/v1/models?path=/health/live", "/v1/models?x=%2Fhealth%2Flive",
    )
]  # fmt: skip


def test_no_path_and_no_method_leads_around_the_key(keyed: ServerProcess) -> None:
    before = ran(keyed)
    told = {line: answers(keyed, asking(line=line)) for line in LINES}
    assert {line: statuses for line, statuses in told.items() if statuses != [401]} == {}
    assert ran(keyed) == before


@pytest.mark.parametrize(
    "line",
    ["OPTIONS * HTTP/1.1", "GET http://localhost HTTP/1.1", "CONNECT localhost:80 HTTP/1.1", "GET v1/models HTTP/1.1",
     "GET /v1/models#/health/live HTTP/1.1", "PRI * HTTP/2.0", "GET /v1/models", "GET  /v1/models HTTP/1.1"],
)  # fmt: skip
def test_a_strange_request_gets_nothing(keyed: ServerProcess, line: str) -> None:
    before = ran(keyed)
    assert set(answers(keyed, asking(line=line))) <= {400, 401}
    assert ran(keyed) == before


def test_one_request_of_a_connection_says_nothing_for_the_next(keyed: ServerProcess) -> None:
    let_in = asking(f"x-api-key: {KEY}").replace(b"Connection: close\r\n", b"")
    assert answers(keyed, let_in + asking()) == [200, 401]
    chunked = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert answers(keyed, chunked.encode() + asking()) == [401, 401]


def test_a_websocket_is_not_opened(keyed: ServerProcess) -> None:
    upgrade = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAA"]
    assert set(answers(keyed, asking(*upgrade, line="GET /v1/realtime HTTP/1.1"))) <= {400, 401}


def test_a_refusal_is_in_our_shape_and_names_what_is_missing(keyed: ServerProcess) -> None:
    url = f"{keyed.base_url}/models"
    for headers, message in (
        ({}, "This server asks for an API key: send it as Authorization: Bearer KEY, or as x-api-key: KEY."),
        ({"x-api-key": "a-wrong-one"}, "The API key is not one of this server's."),
    ):
        reply = httpx.get(url, headers=headers)
        assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer")
        assert reply.json()["error"] == {
            "message": message, "type": "authentication_error", "param": None, "code": "invalid_api_key",
        }  # fmt: skip
    head = httpx.head(url)
    assert (head.status_code, head.headers["www-authenticate"], head.content) == (401, "Bearer", b"")


def test_openais_client_says_what_it_is(keyed: ServerProcess) -> None:
    with openai.OpenAI(base_url=keyed.base_url, api_key="wrong") as client, pytest.raises(openai.AuthenticationError):
        client.models.list()
    with openai.OpenAI(base_url=keyed.base_url, api_key=KEY) as client:
        assert [model.id for model in client.models.list()] == ["p"]


def test_the_answer_comes_before_the_body_is_read(keyed: ServerProcess) -> None:
    url = urlsplit(keyed.base_url)
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    for more in ("Content-Length: 100000000\r\n\r\n", "Content-Length: 9\r\nExpect: 100-continue\r\n\r\n"):
        with socket.create_connection((url.hostname or "", url.port or 0), timeout=10) as connection:
            connection.sendall((head + more).encode())
            assert connection.recv(65536).startswith(b"HTTP/1.1 401 ")


def test_liveness_alone_is_open_to_everybody(keyed: ServerProcess) -> None:
    assert frozenset({"/health/live"}) == OPEN_PATHS
    headers = ("Origin: https://evil.example", "x-api-key: wrong")
    for line in ("GET /health/live HTTP/1.1", "GET /health/live?x=1 HTTP/1.1", "GET /health/live HTTP/1.0"):
        assert answers(keyed, asking(*headers, line=line, host="Host: evil.example")) == [200]


def test_programs_see_who_calls_and_no_key(keyed: ServerProcess) -> None:
    def seen(**headers: str) -> dict[str, Any]:
        reply = httpx.post(f"{keyed.base_url}/chat/completions", json={"messages": [
            {"role": "user", "content": "hi"}]}, headers={"X-Mine": "1"} | headers)  # fmt: skip
        return dict(reply.json()["choices"][0]["message"])

    beside = {"Authorization": f"Bearer\t{KEY}", "X-API-Key": KEY}  # no key in this spelling, and one in another
    for headers in ({"Authorization": f"Bearer {KEY}"}, {"X-API-Key": KEY}, beside):
        content = seen(**headers)["content"]
        assert '"caller": "alice"' in content
        assert '"x-mine": "1"' in content
        assert not re.search("sesame|authorization|api-key", content)
    # What is for somebody behind the server goes on to the program.
    content = seen(**{"X-API-Key": OTHER, "Authorization": "Basic eDp5"})["content"]
    assert '"authorization": "Basic eDp5"' in content
    assert "api-key" not in content


def test_no_log_has_a_key_a_query_or_a_body(keyed: ServerProcess) -> None:
    marks = ["mark-of-a-query", "mark-of-a-key", "mark-of-a-bearer", "mark-of-a-body"]
    for key in (KEY, marks[1]):
        body = {"messages": [{"role": "user", "content": marks[3]}]}
        headers = {"x-api-key": key}
        httpx.post(f"{keyed.base_url}/chat/completions?api_key={marks[0]}", json=body, headers=headers)
    httpx.get(f"{keyed.base_url}/models", headers={"Authorization": f"Bearer {marks[2]}"})
    answers(keyed, b"GET /v1/models?api_key=mark-of-a-query HTTP/1.1\r\nx-api-key: mark-of-a-key\x00\r\n\r\n")
    keyed.wait_for("401(.|\n)*401")
    assert [mark for mark in (*marks, KEY, OTHER) if mark in keyed.output] == []


def test_with_keys_a_page_may_call_that_has_one(keyed: ServerProcess) -> None:
    key = f"x-api-key: {KEY}"
    assert answers(keyed, asking(key, f"Origin: {THEIRS}", host="Host: any.example")) == [200]
    assert answers(keyed, asking("Access-Control-Request-Method: POST", f"Origin: {THEIRS}", line=OPTIONS)) == [401]


OPTIONS = "OPTIONS /v1/chat/completions HTTP/1.1"


def test_a_preflight_needs_no_key_where_pages_may_call(serve: Serve) -> None:
    server = serve(PROGRAM, flags=("--api-key", KEY, "--allowed-origins", OURS))
    assert answers(server, asking("Access-Control-Request-Method: POST", f"Origin: {OURS}", line=OPTIONS)) == [200]
    assert answers(server, asking("Access-Control-Request-Method: POST", f"Origin: {THEIRS}", line=OPTIONS)) == [403]
    for headers in ([], [f"Origin: {OURS}"], ["Access-Control-Request-Method: POST"]):
        assert answers(server, asking(*headers, line=OPTIONS)) == [401]
    refused = httpx.get(f"{server.base_url}/models", headers={"Origin": OURS})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, OURS)


def test_below_a_root_path_all_is_as_closed(serve: Serve) -> None:
    server = serve(PROGRAM, flags=("--api-key", KEY, "--root-path", "/api"))
    paths = {
        "/v1/models": 401, "/api/v1/models": 401, "/health/live": 200, "/api/health/live": 401, "/live": 401,
        "/api": 401, "/api/../health/live": 401, "//health/live": 401,
    }  # fmt: skip
    assert {path: answers(server, asking(line=f"GET {path} HTTP/1.1"))[0] for path in paths} == paths


# ---- without keys


@pytest.mark.parametrize("origin", [None, OURS, "http://localhost", "http://LOCALHOST", "https://localhost"])
def test_a_page_of_ours_and_one_that_was_named_may_call(local: ServerProcess, origin: str | None) -> None:
    headers = [f"Origin: {origin}"] if origin else []
    assert answers(local, asking(*headers)) == [200]


FOREIGN = ["Origin: https://evil.example", "Origin: null", "Origin:", "Origin: http://localhost:1", "Origin: *",
           "Origin: https://chat.example.evil.example", "Origin: http://chat.example", "Origin: https://CHAT.example/",
           f"Origin: {OURS}, {THEIRS}", "Origin: file://", "Origin: localhost"]  # fmt: skip


@pytest.mark.parametrize("header", FOREIGN)
def test_any_other_page_runs_and_reads_nothing(local: ServerProcess, header: str) -> None:
    before = ran(local)
    lines = [f"{method} {path} HTTP/1.1" for method, path in (
        ("POST", "/v1/chat/completions"), ("GET", "/v1/models"), ("HEAD", "/v1/models"), ("OPTIONS", "/v1/models"),
        ("GET", "/health/ready"), ("GET", "/nowhere"), ("GET", "/docs"))]  # fmt: skip
    assert {line: answers(local, asking(header, line=line)) for line in lines} == {line: [403] for line in lines}
    assert answers(local, asking(header, f"Origin: {OURS}")) == [403]
    assert answers(local, asking(f"Origin: {OURS}", header)) == [403]
    assert ran(local) == before


HOSTS = {
    200: ["localhost", "LocalHost:1", "127.0.0.1", "127.0.0.1:99999", "[::1]", "[0:0::1]:80",
          "box.lan", "BOX.lan:8000"],
    403: ["evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example", "localhost.", "",
          " ", "localhost@evil.example",
          "evil.example#localhost", "127.1", "2130706433", "127.0.0.2", "0.0.0.0", "[::]",
          "192.168.1.5", "::1", "localhost evil.example", "localhost,evil.example", "x.box.lan", "\xe9", "*",
          "localhost:x"],
}  # fmt: skip


@pytest.mark.parametrize(("status", "host"), [(status, host) for status, hosts in HOSTS.items() for host in hosts])
def test_a_server_goes_by_its_own_names_alone(local: ServerProcess, status: int, host: str) -> None:
    before = ran(local)
    assert answers(local, asking(host=f"Host: {host}")) == [status]
    local.wait_for_count("ran: ", before + (status == 200))
    assert ran(local) - before == (status == 200)


def test_no_host_and_two_hosts_are_no_name(local: ServerProcess) -> None:
    for hosts in ("", "Host: localhost\r\nHost: evil.example", "Host: localhost\r\nHost: localhost"):
        assert set(answers(local, asking(host=hosts))) <= {400, 403}
    assert answers(local, asking(host="", line="POST /v1/chat/completions HTTP/1.0")) == [403]
    # A page cannot send these, and nothing of ours reads them.
    forwarded = ["X-Forwarded-Host: localhost", "Forwarded: host=localhost"]
    assert answers(local, asking(*forwarded, host="Host: evil.example")) == [403]


def test_who_may_not_call_is_told_what_would_let_them(local: ServerProcess) -> None:
    page = httpx.get(f"{local.base_url}/models", headers={"Origin": THEIRS}).json()["error"]
    assert page == {
        "message": f"Pages of {THEIRS} may not call this server. Its operator lets them by --allowed-origins {THEIRS}.",
        "type": "permission_error", "param": None, "code": "origin_not_allowed",
    }  # fmt: skip
    name = httpx.get(f"{local.base_url}/models", headers={"Host": "evil.example:8000"}).json()["error"]
    assert name == {
        "message": "This server is not called evil.example. Its operator lets it be, by --allowed-hosts evil.example.",
        "type": "permission_error", "param": None, "code": "host_not_allowed",
    }  # fmt: skip


def test_a_star_lets_in_every_name(serve: Serve) -> None:
    server = serve(PROGRAM, flags=("--allowed-hosts", "*"))
    for host in ("Host: evil.example", "Host: ", ""):
        assert answers(server, asking(host=host, line="POST /v1/chat/completions HTTP/1.0")) == [200]


# ---- in other hosts


def asked(app: Any, path: str, *headers: tuple[bytes, bytes], **more: Any) -> list[Any]:
    """What an app sends to one request; the host gives no body, and waits."""

    async def run() -> None:
        async def receive() -> Any:
            raise AssertionError("the guard reads no body")

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": path, "headers": list(headers), "query_string": b""}
        await app(scope | more, receive, send)

    sent: list[Any] = []
    asyncio.run(run())
    return sent


def app_of(**options: Any) -> App:
    return mserve.create_app(lambda prompt: prompt, names=["p"], options=Options(**options))


@pytest.fixture(scope="module")
def keyed_app() -> App:
    return app_of(api_keys=(line_of("alice", KEY), line_of("bob", OTHER)))


CREDENTIALS = st.sampled_from(
    [KEY, OTHER, f" {KEY}\t", KEY.upper(), "", " ", "wrong", f"{KEY},{KEY}", "\xe9", "a" * 999]
)
HEADERS = st.lists(
    st.tuples(st.sampled_from(["x-api-key", "authorization", "cookie", "x-api-key2"]),
              st.sampled_from(["", "Bearer ", "bearer  ", "Basic ", "Bearer"]), CREDENTIALS), max_size=4,
)  # fmt: skip
PATHS = st.lists(
    st.sampled_from(
        ["/", "v1", "models", "p", "health", "live", "..", ".", "%2e", "\x00", " ", "//", "chat", "é", "\n"]
    ),
    max_size=6,
).map(lambda parts: "/" + "".join(parts))  # fmt: skip


@settings_of(max_examples=300)
@given(path=PATHS | st.just("/v1/models"), sent=HEADERS, root=st.sampled_from(["", "/v1", "/health"]))
def test_nothing_but_one_callers_right_keys_lets_in(
    keyed_app: App, path: str, sent: list[tuple[str, str, str]], root: str
) -> None:
    headers = [(name.encode(), (start + key).encode("latin-1")) for name, start, key in sent]
    start = asked(keyed_app, path, *headers, root_path=root)[0]
    shown = [credential(name, begins + key) for name, begins, key in sent]
    owners = {{KEY: "alice", OTHER: "bob"}.get(key) for key in shown if key is not None}
    named = [name for name, _, _ in sent if name in ("x-api-key", "authorization")]
    may = owners in ({"alice"}, {"bob"}) and len(set(named)) == len(named)
    is_open = path.removesuffix("\n") == "/health/live" and not root  # as routers read it
    assert (start["status"] != 401) == (may or is_open), start


def credential(name: str, value: str) -> str | None:
    """What a header shows as a key, by another way of reading than the guard's."""
    if name == "x-api-key":
        return value.strip(" \t")
    found = re.fullmatch(r"[ \t]*bearer(?: (.*))?", value.rstrip(" \t"), re.IGNORECASE | re.DOTALL)
    return (found[1] or "").strip(" \t") if name == "authorization" and found else None


def test_an_app_asks_for_no_name_of_its_own() -> None:
    app = app_of()
    assert asked(app, "/v1/models", (b"host", b"evil.example"))[0]["status"] == 200
    assert asked(app, "/v1/models")[0]["status"] == 200
    assert asked(app, "/v1/models", (b"host", b"a"), (b"origin", b"http://b"))[0]["status"] == 403
    assert asked(app, "/v1/models", (b"host", b"a"), (b"origin", b"http://a"))[0]["status"] == 200


@pytest.mark.parametrize(
    ("server", "host", "status"),
    [
        (("10.1.2.3", 8000), "10.1.2.3:8000", 200),  # one of many addresses that it listens on
        (("10.1.2.3", 8000), "10.1.2.4:8000", 403),
        (("fe80::1", 8000), "[fe80:0::1]", 200),
        (("/run/socket", None), "/run/socket", 403),
        (("evil.example", 80), "box", 200),
        (None, "box", 200),
        (None, "", 403),
    ],
)
def test_a_name_is_one_that_was_given_or_where_the_request_came_to(server: Any, host: str, status: int) -> None:
    sent = asked(app_of(allowed_hosts=("BOX",)), "/v1/models", (b"host", host.encode()), server=server)
    assert sent[0]["status"] == status


def test_names_count_beside_keys_where_some_were_given() -> None:
    app = app_of(allowed_hosts=("box",), api_keys=(line_of("alice", KEY),))
    key = (b"x-api-key", KEY.encode())
    told = [asked(app, "/v1/models", key, (b"host", host))[0]["status"] for host in (b"box", b"evil.example")]
    assert told == [200, 403]


@pytest.mark.parametrize(
    ("options", "headers", "scheme"),
    [
        ({"api_keys": (line_of("alice", KEY),)}, [], "ws"),
        ({}, [(b"host", b"a"), (b"origin", b"http://b")], "ws"),
        ({}, [(b"host", b"a"), (b"origin", b"http://a")], "wss"),
    ],
)
def test_a_websocket_of_a_stranger_is_closed(options: Any, headers: Any, scheme: str) -> None:
    sent = asked(app_of(**options), "/health/live", *headers, type="websocket", scheme=scheme)
    assert [message["type"] for message in sent] == ["websocket.close"]


def test_a_websocket_of_ours_reaches_the_app() -> None:
    reached: list[str] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        reached.append(scope["scheme"])

    for scheme, page in (("ws", b"http://a"), ("wss", b"https://a")):
        asked(Guard(app, Options()), "/x", (b"host", b"a"), (b"origin", page), type="websocket", scheme=scheme)
    assert reached == ["ws", "wss"]


def test_a_mounted_app_is_as_closed() -> None:
    host = Starlette(routes=[Mount("/ai", app=app_of(api_keys=(line_of("alice", KEY),)))])
    paths = {"/ai/v1/models": 401, "/ai/health/live": 200, "/ai/health/live/": 401, "/ai//health/live": 401, "/ai": 401}
    told = {path: asked(host, path)[0]["status"] for path in paths}
    assert told["/ai"] in (307, 404)  # the host's own
    assert told | {"/ai": 401} == paths
