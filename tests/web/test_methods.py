"""HEAD and OPTIONS on the paths of a real server, byte by byte: clients and proxies send them before all else."""

import socket
from urllib.parse import urlsplit

import pytest

from processes import ServerProcess

GETS = ["/", "/health", "/v1/models", "/v1/models/any/name"]


def answer(server: ServerProcess, method: str, target: str) -> tuple[int, dict[str, str], bytes]:
    """The status, headers and body of an answer, as they came on a connection that the server closes after it."""
    url = urlsplit(server.base_url)
    assert url.hostname is not None
    with socket.create_connection((url.hostname, url.port or 0), timeout=10) as connection:
        headers = "Host: localhost\r\nConnection: close\r\nX-Request-Id: one"
        connection.sendall(f"{method} {target} HTTP/1.1\r\n{headers}\r\n\r\n".encode())
        raw = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = raw.partition(b"\r\n\r\n")
    status, *lines = head.decode().splitlines()
    told = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    return int(status.split()[1]), told, body


@pytest.mark.parametrize("path", [*GETS, "//", "/nowhere"])
def test_head_is_answered_as_get_is_without_the_body(server: ServerProcess, path: str) -> None:
    got, headed = answer(server, "GET", path), answer(server, "HEAD", path)
    assert headed[0] == got[0] == (200 if path in GETS else 404)
    assert {**headed[1], "date": ""} == {**got[1], "date": ""}
    assert int(got[1]["content-length"]) == len(got[2]) > 0
    assert headed[2] == b""


@pytest.mark.parametrize(
    ("path", "allow"), [("/v1/chat/completions", "POST, OPTIONS"), *((path, "GET, HEAD, OPTIONS") for path in GETS)]
)
def test_options_are_the_methods_of_a_path_and_no_body(server: ServerProcess, path: str, allow: str) -> None:
    status, headers, body = answer(server, "OPTIONS", path)
    assert (status, headers.pop("allow"), body) == (204, allow, b"")
    assert sorted(headers) == ["connection", "date", "x-request-id"]
    assert answer(server, "PUT", path)[1]["allow"] == allow


@pytest.mark.parametrize("target", ["//", "/nowhere", "/v1", "/v1/models/", "*"])
def test_a_path_that_is_not_served_has_no_options(server: ServerProcess, target: str) -> None:
    status, headers, body = answer(server, "OPTIONS", target)
    assert status == 404
    assert headers["content-type"] == "application/json"
    assert b'"code":"not_found"' in body


def test_a_post_path_has_no_head(server: ServerProcess) -> None:
    status, headers, body = answer(server, "HEAD", "/v1/chat/completions")
    assert (status, headers["allow"], body) == (405, "POST, OPTIONS", b"")
