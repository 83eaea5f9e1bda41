"""What the server refuses by itself is seen: each refusal has an id, a line of the log and a count, exactly once."""

import json
import re
import time
from collections import Counter
from typing import Any

import httpx
import pytest

from processes import Serve, ServerProcess
from server.raw import Answer, answers, asking, connect, exchange, posting, read_answer, rest

PROGRAM = "async def serve(prompt):\n    yield prompt\n"
FLAGS = (
    *("--header-timeout", "0.4", "--body-timeout", "0.4", "--max-header-size", "2048", "--max-body", "1000"),
    *("--limit-connections", "8", "--log-format", "json", "--name", "prog"),
)
NAMED = "X-Request-Id: of-the-client"
CHUNKED = "Transfer-Encoding: chunked"
HEADLESS: list[tuple[bytes, int, str]] = [
    (b"garbage\r\n\r\n", 400, "invalid_http"),
    (b"GET /secret?secret HTTP/1.1\r\nno colon\r\n\r\n", 400, "invalid_http"),
    (b"GET /secret HTTP/1.1\r\nAuthorization: secret" + b"a" * 600_000, 431, "headers_too_large"),
    (b"GET /secret HTTP/1.1\r\nAuthorization: secret", 408, "request_timeout"),
]
WITH_A_HEAD: list[tuple[list[bytes], int, str]] = [
    ([posting(b"z\r\n", CHUNKED, NAMED)], 400, "invalid_http"),
    ([posting(b"", CHUNKED, NAMED), b"z\r\n"], 400, "invalid_http"),
    ([posting(b"1\r\n{\r\n1;" + b"a" * 600_000, CHUNKED, NAMED)], 431, "headers_too_large"),
    ([posting(b"{", "Content-Length: 10", NAMED)], 408, "request_timeout"),
]


@pytest.fixture
def server(serve: Serve) -> ServerProcess:
    return serve(PROGRAM, flags=FLAGS)


def lines_of(server: ServerProcess, answer: Answer) -> list[dict[str, Any]]:
    """The access lines of an answer, by its id. One that was told twice is told within a moment."""
    name = answer.headers["x-request-id"]
    server.wait_for(f'"request_id": "{name}"')
    time.sleep(0.1)
    lines = [json.loads(line) for line in server.output.splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("request_id") == name]


def counted(server: ServerProcess) -> Counter[str]:
    """What was counted beside the asking itself."""
    text = httpx.get(server.base_url.removesuffix("/v1") + "/metrics").text
    found = re.findall(r"^(mserve_(?:requests|errors)_total\{.*\}) (\S+)$", text, re.MULTILINE)
    return Counter({name: int(float(count)) for name, count in found if "finished" not in name})


def of_refusals(status: int, code: str) -> Counter[str]:
    return Counter(
        {
            f'mserve_requests_total{{outcome="refused",program="other",status="{status // 100}xx"}}': 1,
            f'mserve_errors_total{{kind="{code}",program="other"}}': 1,
        }
    )


@pytest.mark.parametrize(("raw", "status", "code"), HEADLESS)
def test_what_never_was_a_request_has_a_line_without_one(
    server: ServerProcess, raw: bytes, status: int, code: str
) -> None:
    (answer,) = exchange(server, raw)
    (line,) = lines_of(server, answer)
    assert re.fullmatch("[0-9a-f]{32}", line.pop("request_id"))
    assert line.pop("time")
    assert line == {
        "level": "info", "logger": "mserve.access", "message": f'"-" {status} refused:{code}', "client": "127.0.0.1",
        "status": status, "end": f"refused:{code}", "bytes": len(answer.body),
    }  # fmt: skip
    assert counted(server) == of_refusals(status, code)
    assert "secret" not in server.output


@pytest.mark.parametrize(("pieces", "status", "code"), WITH_A_HEAD)
def test_a_request_whose_body_is_refused_has_its_own_line_and_id(
    server: ServerProcess, pieces: list[bytes], status: int, code: str
) -> None:
    (answer,) = exchange(server, *pieces, pause=0.1)
    assert answer.headers["x-request-id"] == "of-the-client"
    (line,) = lines_of(server, answer)
    assert (line["method"], line["path"], line["status"]) == ("POST", "/v1/chat/completions", status)
    assert (line["end"], line["bytes"]) == (f"refused:{code}", len(answer.body))
    assert 0 <= line["seconds"] < 5
    assert counted(server) == of_refusals(status, code)


def test_a_request_without_an_id_of_its_own_is_given_one(server: ServerProcess) -> None:
    for _ in range(2):
        (answer,) = exchange(server, posting(b"z\r\n", CHUNKED))
        (line,) = lines_of(server, answer)
        assert line["path"] == "/v1/chat/completions"


def test_one_connection_too_many_is_counted(server: ServerProcess) -> None:
    crowd = [connect(server) for _ in range(8)]
    for connection in crowd:
        connection.sendall(asking("hi"))
        assert read_answer(connection).text == "hi"
    with connect(server) as ninth:
        (answer,) = answers(rest(ninth))
    for connection in crowd:
        connection.close()
    (line,) = lines_of(server, answer)
    assert (line["message"], line["client"]) == ('"-" 503 refused:too_many_connections', "127.0.0.1")
    assert counted(server) == of_refusals(503, "too_many_connections")


def test_what_was_sent_ahead_is_refused_in_its_turn_and_told_once(server: ServerProcess) -> None:
    for wrong, status, code in (
        (b"garbage\r\n\r\n", 400, "invalid_http"),
        (posting(b"z\r\n", CHUNKED), 400, "invalid_http"),
        (posting(b"{", "Content-Length: 10"), 408, "request_timeout"),
    ):
        before = counted(server)
        first, refused = exchange(server, asking("hi") + wrong)
        assert first.text == "hi"
        (line,) = lines_of(server, refused)
        assert (line["status"], line["end"]) == (status, f"refused:{code}")
        assert counted(server) - before == of_refusals(status, code)


def test_a_request_that_has_its_answer_is_told_of_by_that_alone(server: ServerProcess) -> None:
    head = posting(b"1\r\n{\r\n", CHUNKED).replace(b"application/json", b"text/plain")
    (answer,) = exchange(server, head, b"z\r\n", pause=0.2)
    (line,) = lines_of(server, answer)
    assert (answer.status, line["end"]) == (415, "refused:unsupported_media_type")
    assert counted(server) == of_refusals(415, "unsupported_media_type")


def test_who_says_nothing_or_leaves_before_the_end_of_a_head_has_no_line(server: ServerProcess) -> None:
    assert exchange(server) == []
    with connect(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
    assert httpx.get(f"{server.base_url}/models").status_code == 200
    assert counted(server) == Counter()
    server.wait_for('"path": "/metrics"')
    assert re.findall('"path": "([^"]+)"', server.output) == ["/v1/models", "/metrics"]


def test_the_line_as_text(serve: Serve) -> None:
    server = serve(PROGRAM)
    (answer,) = exchange(server, b"garbage\r\n\r\n")
    name = answer.headers["x-request-id"]
    line = f'INFO:     127.0.0.1 "-" 400 refused:invalid_http bytes={len(answer.body)} request_id={name}\n'
    server.wait_for(re.escape(line))
