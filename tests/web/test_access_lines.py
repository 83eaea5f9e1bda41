"""The line that each request leaves in the log: what clients saw, and nothing that is not the log's business."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

import mserve
from processes import Serve, ServerProcess
from web.outcomes import PROGRAM, body_of, leave, leave_early, line_of

KEY = "a-key-of-anna"
FLAGS = ("--name", "prog", "--max-body", "1000", "--grace-period", "0.2", "--ping-interval", "0.1")


@pytest.fixture(scope="module")
def server(serve_module: Serve) -> ServerProcess:
    return serve_module(PROGRAM, flags=(*FLAGS, "--log-format", "json"))


def ask(server: ServerProcess, name: str, prompt: str = "x", path: str = "/chat/completions", **more: Any) -> Any:
    headers = {"X-Request-Id": name}
    return httpx.post(server.base_url + path, json=body_of(prompt, **more), headers=headers, timeout=10, verify=False)


def test_a_whole_reply(server: ServerProcess) -> None:
    reply = ask(server, "whole", "hi", "/chat/completions?secret=1")
    line = line_of(server, "whole")
    assert 0 < line.pop("first_token_seconds") <= line.pop("seconds") < 5
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line.pop("time"))
    assert line == {
        "level": "info", "logger": "mserve.access", "message": '"POST /v1/chat/completions" 200 finished:stop',
        "client": "127.0.0.1", "method": "POST", "path": "/v1/chat/completions", "status": 200, "end": "finished:stop",
        "program": "prog", "model": "m", "stream": False, "events": 2, "bytes": len(reply.content),
        "request_id": "whole",
    }  # fmt: skip


def test_an_address_that_a_proxy_passes_on_has_an_end(server: ServerProcess) -> None:
    headers = {"X-Request-Id": "far", "X-Forwarded-For": "a" * 10_000}
    httpx.post(server.base_url + "/chat/completions", json=body_of("x"), headers=headers, verify=False)
    assert line_of(server, "far")["client"] == "a" * 64


@pytest.mark.parametrize("stream", [True, False])
def test_the_speed_is_told_in_tokens_where_the_program_tells_them(server: ServerProcess, stream: bool) -> None:
    reply = ask(server, f"usage-{stream}", "usage", stream=stream)
    line = line_of(server, f"usage-{stream}")
    assert (line["input_tokens"], line["output_tokens"], line["bytes"]) == (3, 5, len(reply.content))
    assert 8 < line["tokens_per_second"] <= 20
    assert "events_per_second" not in line
    assert 0 < line["first_token_seconds"] < 0.2 < line["seconds"]


@pytest.mark.parametrize("stream", [True, False])
def test_else_it_is_told_in_events_and_not_at_all_where_they_came_at_once(server: ServerProcess, stream: bool) -> None:
    ask(server, f"pieces-{stream}", "pieces", stream=stream)
    ask(server, f"at-once-{stream}", stream=stream)
    pieces, at_once = line_of(server, f"pieces-{stream}"), line_of(server, f"at-once-{stream}")
    assert pieces["events"] == 7
    assert 10 < pieces["events_per_second"] <= 30
    assert {"tokens_per_second", "events_per_second"}.isdisjoint(at_once)
    assert "tokens_per_second" not in pieces


@pytest.mark.parametrize("stream", [True, False])
def test_an_error_is_no_first_token_and_nothing_that_the_program_said(server: ServerProcess, stream: bool) -> None:
    headers = {"X-Request-Id": f"no-word-{stream}", "X-Mserve-Grace-Period": "0"}
    reply = httpx.post(f"{server.base_url}/chat/completions", json=body_of("fail", stream=stream), headers=headers)
    assert reply.status_code == (200 if stream else 500)
    line = line_of(server, f"no-word-{stream}")
    assert line["events"] == 0
    assert {"first_token_seconds", "events_per_second"}.isdisjoint(line)


@pytest.mark.parametrize("stream", [True, False])
def test_every_event_is_counted_though_it_is_no_frame_of_its_own(server: ServerProcess, stream: bool) -> None:
    ask(server, f"all-{stream}", "usage", stream=stream)
    ask(server, f"most-{stream}", "fail-late", stream=stream)
    assert line_of(server, f"all-{stream}")["events"] == 8  # five texts, the usage, the last text, the finish
    assert line_of(server, f"most-{stream}")["events"] == 6


ENDS: list[tuple[str, dict[str, Any], int, str]] = [
    ("call", {}, 200, "finished:tool_calls"),
    ("x", {"n": 3}, 200, "finished:stop"),
    ("x", {"n": 99}, 400, "refused:400"),
    ("fail", {}, 500, "failed:program_error"),
    ("fail", {"stream": True}, 500, "failed:program_error"),
    ("fail-late", {}, 500, "failed:program_error"),
    ("fail-late", {"stream": True}, 200, "failed:program_error"),
    ("refuse", {}, 429, "failed:too_much"),
    ("x", {"messages": 7}, 400, "refused:400"),
]


@pytest.mark.parametrize(("number", "case"), list(enumerate(ENDS)))
def test_it_says_why_it_ended(server: ServerProcess, number: int, case: tuple[str, dict[str, Any], int, str]) -> None:
    prompt, more, status, end = case
    reply = ask(server, f"end-{number}", prompt, **more)
    line = line_of(server, f"end-{number}")
    assert (reply.status_code, line["status"], line["end"]) == (status, status, end)
    assert line["bytes"] == len(reply.content)
    assert ("events" in line) == (not end.startswith("refused"))


REFUSALS = [
    ("GET", "/nowhere", {}, 404, "refused:not_found"),
    ("DELETE", "/v1/models", {}, 405, "refused:method_not_allowed"),
    ("POST", "/v1/chat/completions", {"content": b"{"}, 415, "refused:unsupported_media_type"),
    ("POST", "/v1/chat/completions", {"json": "x" * 1001}, 413, "refused:request_too_large"),
    ("POST", "/v1/chat/completions", {"json": []}, 400, "refused:invalid_json"),
    ("GET", "/v1/models", {}, 200, "finished"),
    ("HEAD", "/v1/models", {}, 200, "finished"),
    ("OPTIONS", "/v1/models", {}, 204, "finished"),
]


@pytest.mark.parametrize(("number", "case"), list(enumerate(REFUSALS)))
def test_what_no_program_answers_has_a_line_too(
    server: ServerProcess, number: int, case: tuple[str, str, dict[str, Any], int, str]
) -> None:
    method, path, sent, status, end = case
    url = server.base_url.removesuffix("/v1") + path + "?secret=1"
    reply = httpx.request(method, url, headers={"X-Request-Id": f"plain-{number}"}, verify=False, **sent)
    line = line_of(server, f"plain-{number}")
    assert (reply.status_code, line["status"], line["end"]) == (status, status, end)
    assert (line["method"], line["path"], line["bytes"]) == (method, path, len(reply.content))
    assert {"program", "model", "events", "first_token_seconds", "caller"}.isdisjoint(line)


def test_a_client_that_leaves_a_stream(server: ServerProcess) -> None:
    leave(server, "begin", "left-stream", stream=True)
    line = line_of(server, "left-stream")
    assert (line["status"], line["end"], line["stream"], line["program"]) == (200, "client_left", True, "prog")
    assert line["bytes"] > 0


def test_a_client_that_leaves_a_whole_reply_gets_no_status(server: ServerProcess) -> None:
    leave(server, "hang", "left-whole", stream=False)
    line = line_of(server, "left-whole")
    assert (line.get("status"), line["end"], line["bytes"]) == (None, "client_left", 0)
    assert line["message"] == '"POST /v1/chat/completions" - client_left'


def test_a_client_that_leaves_while_it_sends(server: ServerProcess) -> None:
    leave_early(server, "left-early")
    line = line_of(server, "left-early")
    assert (line["end"], line.get("program")) == ("client_left", None)


def test_every_line_of_the_log_is_an_object_without_what_was_said(server: ServerProcess) -> None:
    for prompt in ("the words of a client", "fail"):
        ask(server, f"said-{prompt[:3]}", prompt, "/chat/completions?secret=1")
        line_of(server, f"said-{prompt[:3]}")
    lines = [json.loads(line) for line in server.output.splitlines()]
    assert {line["logger"] for line in lines} >= {"mserve", "mserve.program", "mserve.access"}
    assert all({"time", "level", "logger", "message"} <= set(line) for line in lines)
    for secret in ("the words of a client", "said the", "secret=1"):
        assert secret not in server.output
    told = [line for line in lines if "a secret of the operator" in json.dumps(line)]
    assert {line["logger"] for line in told} == {"mserve.program"}


def test_what_a_client_chose_is_cut_and_stays_on_its_line(serve: Serve) -> None:
    server = serve(PROGRAM, flags=("--name", "prog"))
    url = server.base_url.removesuffix("/v1")
    model = 'a b" status=200\nINFO:     forged\x1b[31m\u2028'
    httpx.post(
        f"{url}/v1/chat/completions",
        json=body_of("x") | {"model": model},
        headers={"X-Request-Id": 'i"d'},
        verify=False,
    )
    httpx.post(f"{url}/v1/chat/completions", json=body_of("x") | {"model": "m" * 5000})
    httpx.get(f"{url}/a%0aINFO:%20%20%20%20forged%1b[31m\u2028")
    httpx.get(f"{url}/{'p' * 5000}")
    server.wait_for('"GET /p+" 404 refused:not_found .*\n')
    lines = [line for line in server.output.splitlines() if "INFO" in line and "Serving" not in line]
    assert len(lines) == 4
    escaped = r"a b\" status=200\nINFO:     forged\u001b[31m\u2028"
    assert f' model="{escaped}" ' in lines[0]
    assert lines[0].endswith(r'request_id="i\"d"')
    assert f"model={'m' * 128} " in lines[1]
    assert '"GET /a%0AINFO%3A%20%20%20%20forged%1B%5B31m%E2%80%A8" 404 ' in lines[2]
    assert f'"GET /{"p" * 127}" 404 ' in lines[3]
    assert "\x1b" not in server.output
    ask(server, "of-text", "fail")
    server.wait_for(r"ERROR: +program prog failed \(request of-text\)\nTraceback")


def test_what_is_not_wanted_is_off_and_all_else_goes_on(serve: Serve) -> None:
    blocking = "import time\n" + PROGRAM.replace('if mode == "fail":', 'if mode == "fail":\n        time.sleep(0.8)')
    server = serve(blocking, flags=("--no-access-log", "--no-metrics", "--block-warning", "0"))
    assert ask(server, "quiet", "usage", stream=True).text.endswith("data: [DONE]\n\n")
    ask(server, "quiet", "fail")
    server.wait_for("Traceback")
    assert httpx.get(server.base_url.removesuffix("/v1") + "/metrics", verify=False).status_code == 404
    assert "POST" not in server.output
    assert "blocked" not in server.output


def test_the_caller_is_named_and_its_key_is_not(serve: Serve) -> None:
    server = serve(PROGRAM, flags=("--log-format", "json", "--api-key", f"anna:{KEY}"))
    for name, key in (("right", KEY), ("wrong", "a-wrong-key")):
        headers = {"Authorization": f"Bearer {key}", "X-Request-Id": name}
        httpx.post(f"{server.base_url}/chat/completions", json=body_of("x"), headers=headers)
    right, wrong = line_of(server, "right"), line_of(server, "wrong")
    assert (right["caller"], right["end"]) == ("anna", "finished:stop")
    assert (wrong.get("caller"), wrong["end"]) == (None, "refused:invalid_api_key")
    assert KEY not in server.output
    assert "a-wrong-key" not in server.output


async def program(prompt: str) -> AsyncIterator[str]:
    yield "a"
    if prompt == "hang":
        await asyncio.Event().wait()


class Host:
    """Another ASGI host, with its own way to say that a client left."""

    def __init__(self, way: str) -> None:
        self._way = way
        self._bodies = [json.dumps(body_of("x" if way == "tells late" else "hang", stream=True)).encode()]
        self._left = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    async def receive(self) -> Any:
        if self._bodies:
            return {"type": "http.request", "body": self._bodies.pop()}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.body":
            if self._way == "fails to send":
                raise OSError("the client left")
            if self._way == "cancels" and self.task is not None:
                self.task.cancel()
            if not message.get("more_body"):
                self._left.set()
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("way", "end"), [("fails to send", "client_left"), ("cancels", "failed:cancelled"), ("tells late", "finished:stop")]
)
async def test_other_hosts_say_in_their_own_way_that_it_ended(
    caplog: pytest.LogCaptureFixture, way: str, end: str
) -> None:
    app, host = mserve.create_app(program), Host(way)
    scope = {
        "type": "http", "method": "POST", "path": "/v1/chat/completions",
        "headers": [(b"content-type", b"application/json")],
    }  # fmt: skip
    with caplog.at_level(logging.INFO, "mserve.access"):
        host.task = asyncio.create_task(app(scope, host.receive, host.send))
        await asyncio.wait([host.task], timeout=5)
    (record,) = caplog.records
    assert re.match(rf'- "POST /v1/chat/completions" 200 {end} program=program ', record.getMessage())
    await app.close()
