"""Ways past the guard that only connections show: what one request hides in another, and paths without end.

What single requests can try is in `tests/web/test_guard.py`.
"""

import contextlib
import hashlib
import random
import re
from collections.abc import Iterator
from urllib.parse import unquote

import pytest

from processes import Serve, ServerProcess
from server.raw import connect, posting
from share import share

KEY = "the-key-of-alice-3e1"
PAGE = "https://chat.example"
PROGRAM = """
async def serve(prompt, caller):
    print("ran:", caller, flush=True)
    yield prompt
"""
BODY = '{"messages":[{"role":"user","content":"hi"}]}'
INNER = posting(BODY.encode(), f"Content-Length: {len(BODY)}").decode()
"""A request without a key, to be hidden in another."""


@pytest.fixture(scope="module")
def keyed(serve_module: Serve) -> Iterator[ServerProcess]:
    flags = ("--log-level", "trace", "--header-timeout", "0.4", "--body-timeout", "0.4", "--timeout-keep-alive", "0")
    server = serve_module(PROGRAM, flags=flags, env={"MSERVE_API_KEY": f"alice:{KEY}"})
    yield server
    assert_unspoken(server.output)


@pytest.fixture(scope="module")
def local(serve_module: Serve) -> ServerProcess:
    return serve_module(PROGRAM, flags=("--allowed-origins", PAGE))


def told(server: ServerProcess, raw: str) -> list[int]:
    """The statuses of all that a connection is told until it ends; nothing of it may hold a key."""
    with connect(server) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(raw.encode("latin-1"))
        text = b"".join(iter(lambda: connection.recv(65536), b"")).decode("latin-1")
    assert_unspoken(text)
    return [int(status) for status in re.findall(r"HTTP/1\.1 (\d{3}) ", text)]


def assert_unspoken(text: str) -> None:
    assert KEY not in text
    assert hashlib.sha256(KEY.encode()).hexdigest() not in text


def ran(server: ServerProcess) -> int:
    return server.output.count("ran: ")


def request(
    *headers: str, line: str = "POST /v1/chat/completions HTTP/1.1", host: str = "localhost", body: str = BODY
) -> str:
    sized = any(header.lower().startswith(("content-length", "transfer-encoding")) for header in headers)
    length = [] if sized else [f"Content-Length: {len(body)}"]
    return "\r\n".join([line, f"Host: {host}", "Content-Type: application/json", *length, *headers, "", body])


# ---- with keys

CHUNKED = f"{len(BODY):x}\r\n{BODY}\r\n0\r\n"
HIDDEN = {
    "behind a length and chunks": request("Content-Length: 5", "Transfer-Encoding: chunked", body=f"0\r\n\r\n{INNER}"),
    "behind chunks and a length": request("Transfer-Encoding: chunked", "Content-Length: 9999",
    body=f"0\r\n\r\n{INNER}"),
    "behind two lengths": request("Content-Length: 0", f"Content-Length: {len(INNER)}", body=INNER),
    "behind a list of lengths": request("Content-Length: 0, 0", body=INNER),
    "behind a signed length": request("Content-Length: +0", body=INNER),
    "behind a length of nothing": request("Content-Length: 0", body=INNER),
    "behind a length with a blank": request("Content-Length : 0", body=INNER),
    "behind a longer length": request(f"Content-Length: {len(INNER) + 5}", body=INNER),
    "behind an encoding that is none": request("Transfer-Encoding: xchunked", body=f"0\r\n\r\n{INNER}"),
    "behind two encodings": request("Transfer-Encoding: chunked, identity", body=f"0\r\n\r\n{INNER}"),
    "behind a folded encoding": request("Transfer-Encoding:\r\n chunked", body=f"0\r\n\r\n{INNER}"),
    "behind a tabbed encoding": request("Transfer-Encoding:\tchunked", body=f"0\r\n\r\n{INNER}"),
    "behind a chunk's own words": request("Transfer-Encoding: chunked", body=f"0;x={INNER}"),
    "behind a chunk that overflows": request("Transfer-Encoding: chunked", body=f"{'f' * 17}\r\n{INNER}"),
    "behind a bare end of line": request("X: y\n\n" + INNER),
    "in a header": request("X: y\r\n\r\n" + INNER),
    "behind what asks to be let on": request("Expect: 100-continue", body=INNER),
    "behind a wish for HTTP/2": request("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
    "HTTP2-Settings: AAMAAABk"),
    "behind a websocket": request("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: AAAA") + INNER,
    "behind HTTP/2 itself": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + INNER,
    "behind a tunnel": "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n" + INNER,
    "behind a tunnel to a path": "CONNECT /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n" + INNER,
    "behind what is open": "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n" + INNER,
    "behind what is open, with a body": request(line="GET /health/live HTTP/1.1", body=INNER),
    "behind a HEAD of what is open": request(line="HEAD /health/live HTTP/1.1", body=INNER) + INNER,
    "behind HTTP/1.0": "GET /health/live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + INNER,
    "a key in the trailers": request("Transfer-Encoding: chunked", "Trailer: x-api-key",
    body=f"{CHUNKED}x-api-key: {KEY}\r\n\r\n"),
    "a folded key": request(f"x-api-key:\r\n {KEY}"),
    "a folded bearer": request(f"Authorization: Bearer\r\n {KEY}"),
    "a blank before the colon": request(f"x-api-key : {KEY}"),
    "a zero in the key": request(f"x-api-key: {KEY}\0"),
    "a zero in the name": request(f"x-api-key\0: {KEY}"),
    "a bare line's end": request(f"X: y\rx-api-key: {KEY}"),
    "a blank of another kind": request(f"Authorization: Bearer\xa0{KEY}"),
    "a vertical tab": request(f"Authorization: Bearer\x0b{KEY}"),
    "of letters that look alike": request(f"x-api-\xb5key: {KEY}"),
    "a key to be taken away": request("Connection: authorization, x-api-key", "x-api-key: wrong"),
    "tracing": request(line="TRACE /v1/models HTTP/1.1"),
    "a method of one's own": request(line="PROPFIND /v1/models HTTP/1.1"),
    "the open path behind a slash of another kind": request(line="GET /health/live\\..\\..\\v1\\models HTTP/1.1"),
    "another place, whole": request(line="GET http://evil.example/v1/models?/health/live HTTP/1.1"),
    "a preflight": request("Origin: https://a", "Access-Control-Request-Method: POST",
    line="OPTIONS /v1/models HTTP/1.1"),
}  # fmt: skip


@pytest.mark.parametrize("raw", HIDDEN.values(), ids=HIDDEN)
def test_no_request_hides_in_another(keyed: ServerProcess, raw: str) -> None:
    before = ran(keyed)
    statuses = told(keyed, raw)
    is_open = "/health/live HTTP/1." in raw
    assert set(statuses) <= {400, 401, 404, 408, *((200,) if is_open else ())}, statuses
    assert statuses
    assert statuses.count(200) <= 1
    assert ran(keyed) == before


SMUGGLED = {name: raw for name, raw in HIDDEN.items() if name.startswith("behind") and "/health" not in raw}


@pytest.mark.parametrize("raw", SMUGGLED.values(), ids=SMUGGLED)
def test_a_right_key_lets_in_its_own_request_alone(keyed: ServerProcess, raw: str) -> None:
    before = ran(keyed)
    statuses = told(keyed, raw.replace("\r\nHost: localhost\r\n", f"\r\nHost: localhost\r\nx-api-key: {KEY}\r\n", 1))
    assert statuses
    assert statuses.count(200) <= 1, statuses
    keyed.wait_for_count("ran: ", before + statuses.count(200))
    assert ran(keyed) - before <= 1


STARTS = ["/", "/", "/health/live", "/health/live", "/v1/models", "http://localhost"]
PIECES = [
    "/", "//", "health", "live", "health/live", "/health/live", "..", ".", "%2e%2e", "%2E", "%2f", "%5c", "\\", ";",
    ";/", "%00", "%20", "%0a", "?", "#", "v1", "models", "v1/models", "metrics", "docs", "HEALTH", "%68ealth", "\xe9",
    "%252e",
]  # fmt: skip
METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE", "get"]


def test_of_all_paths_one_is_open(keyed: ServerProcess) -> None:
    drawn = random.Random(3)
    opened: set[str] = set()
    for _ in range(share(3000)):
        target = drawn.choice(STARTS) + "".join(drawn.choices(PIECES, k=drawn.randrange(4)))
        line = f"{drawn.choice(METHODS)} {target} HTTP/1.{drawn.randrange(2)}"
        (status,) = told(keyed, request("Connection: close", line=line))
        assert status in (200, 204, 400, 401, 405), line
        if status in (200, 204, 405):
            path = re.sub(r"^http://[^/?#]*|[?#].*", "", target)
            opened.add(unquote(path).removesuffix("\n"))  # which routers take for nothing
    assert opened == {"/health/live"}


# ---- without keys

ORIGINS = [
    f"{PAGE}:443", f"{PAGE}.", f"{PAGE}.evil.example", "https://xchat.example", "HTTPS://CHAT.EXAMPLE",
    "http://localhost.", "http://localhost:80", "http://localhost/", "http://localhost@evil.example",
    "http://evil.example#localhost", "http://[::1]", "http://localhost\\@evil.example", "chrome-extension://abcdef",
    "null, http://localhost", "http://localhost http://evil.example", "ftp://localhost", "://localhost",
    "//localhost", "http:///localhost", "http://127.0.0.1", "https://", "blob:http://localhost",
]  # fmt: skip
HOSTS = [
    "localhost.", "LOCALHOST.", "localhost:80:80", "localhost:", "127.0.0.1.", "127.0.0.1.nip.io", "0177.0.0.1",
    "0x7f.0.0.1", "0x7f000001", "017700000001", "127.000.000.001", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[::1%25lo]", "[::1].evil.example", "[::1", "::1]", "[]", "user@localhost", "user:pass@localhost", "localhost/",
    "localhost?x", "localhost\\", "localhost;evil.example", "evil.example\tlocalhost", "xn--localhost-",
    "localhost%00", "%6cocalhost", "loc\xe1lhost", "ip6-localhost", "localhost.localdomain",
    "kubernetes.docker.internal",
]  # fmt: skip


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_page_that_is_nearly_ours_runs_nothing(local: ServerProcess, origin: str) -> None:
    before = ran(local)
    preflight = "Access-Control-Request-Method: POST"
    for host in ("localhost", "localhost:1"):
        assert told(local, request(f"Origin: {origin}", "Connection: close", host=host)) == [403]
    assert told(
        local, request(f"Origin: {origin}", preflight, "Connection: close", line="OPTIONS /v1/models HTTP/1.1")
    ) == [403]
    assert ran(local) == before


@pytest.mark.parametrize("host", HOSTS)
def test_a_name_that_is_nearly_ours_is_not(local: ServerProcess, host: str) -> None:
    before = ran(local)
    may = 200 if host == "localhost:" else 403  # RFC 9110 allows a port of no digits
    assert told(local, request("Connection: close", host=host)) == [may]
    local.wait_for_count("ran: ", before + (may == 200))
    assert ran(local) - before == (may == 200)
    # A page that has such a name is not taken for our own either, and nothing that a proxy would say helps it.
    forwarded = (
        "X-Forwarded-Host: localhost",
        "X-Forwarded-Proto: https",
        "X-Original-Host: localhost",
        f"Origin: http://{host}",
    )
    assert set(told(local, request("Connection: close", *forwarded, host=host))) <= {may, 403}


@pytest.mark.parametrize("target", ["http://localhost/v1/models", "http://evil.example/v1/models"])
def test_the_name_in_a_target_stands_for_none(local: ServerProcess, target: str) -> None:
    assert told(local, request("Connection: close", line=f"GET {target} HTTP/1.1", host="evil.example")) == [403]
