"""nginx and Caddy by the files that ship, before a real server: what a proxy is likely to break."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import openai
import pytest

from deploy.behind import PROGRAM, Notes, ask, body, streaming, text_of, words
from deploy.proxies import DEPLOY, Proxy, caddy, nginx, tool
from faults.leftovers import assert_nothing_is_left, held
from mserve.server.config import Settings
from processes import Serve, ServerProcess
from server.ending import free_port

PROXIES = {"nginx": nginx, "caddy": caddy}
KINDS = pytest.mark.parametrize("kind", sorted(PROXIES))
MAX_BODY = Settings().max_body
FLAGS = ("--grace-period", "0.2", "--ping-interval", "0.3", "--forwarded-allow-ips", "*")  # the last as in compose.yaml


class Site:
    """A server, what its program noted, and the proxies before it."""

    def __init__(self, server: ServerProcess, notes: Notes, proxies: dict[str, Proxy]) -> None:
        self.server = server
        self.notes = notes
        self.url = {kind: proxy.url for kind, proxy in proxies.items()}
        self.proxies = proxies


@pytest.fixture(scope="module")
def site(serve_module: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    notes = Notes(tmp_path_factory.mktemp("notes") / "notes")
    server = serve_module(PROGRAM, flags=FLAGS, env=notes.env)
    with nginx(server) as first, caddy(server) as second:
        yield Site(server, notes, {"nginx": first, "caddy": second})


@KINDS
def test_frames_arrive_one_by_one(site: Site, kind: str) -> None:
    heard = words(site.url[kind], 20)
    assert max(word.delay for word in heard) < 0.5
    in_time = [word.heard < after.said for word, after in pairwise(heard)]
    assert sum(in_time) >= 15  # the machine may stumble; one that holds back frames has none of them in time


# By itself nginx holds back no chunk of HTTP/1.1; compressing does, unless buffering is off.
BUFFERS = {"proxy_buffering off;": "proxy_buffering on;", "gzip off;": "gzip on; gzip_types text/event-stream;"}
DEAF = BUFFERS | {"proxy_buffering off;": "proxy_buffering on; proxy_ignore_headers X-Accel-Buffering;"}


def test_the_header_alone_keeps_an_nginx_that_buffers_from_it(site: Site) -> None:
    with nginx(site.server, BUFFERS) as proxy:
        assert max(word.delay for word in words(proxy.url, 10)) < 0.5


def test_an_nginx_that_buffers_and_does_not_listen_holds_frames_back(site: Site) -> None:
    with nginx(site.server, DEAF) as proxy:
        assert words(proxy.url, 10)[0].delay > 0.5


@KINDS
def test_comments_pass_while_a_program_is_silent(site: Site, kind: str) -> None:
    started = time.monotonic()
    with streaming(site.url[kind], "silent 1.5") as reply:
        lines = [(line, time.monotonic() - started) for line in reply.iter_lines() if line]
    comments = [when for line, when in lines if line.startswith(":")]
    assert len(comments) >= 3
    assert comments[0] < 1.2
    assert lines[-1][0] == "data: [DONE]"


@KINDS
@pytest.mark.parametrize(("prompt", "stream"), [("count 300", True), ("silent 30", True), ("silent 31", False)])
def test_a_client_that_leaves_is_noticed_through_a_proxy(site: Site, kind: str, prompt: str, stream: bool) -> None:
    before = held(site.server)
    prompt = f"{prompt} {kind}"  # the notes tell one from the other
    with httpx.Client(timeout=30) as client, ThreadPoolExecutor() as pool:
        asked = pool.submit(client.post, f"{site.url[kind]}/v1/chat/completions", json=body(prompt, stream=stream))
        site.notes.wait_for(f"begun {prompt}")
        assert f"ended {prompt}" not in site.notes.all()
        _hang_up(client)
        assert site.notes.wait_for(f"ended {prompt}") < 2
        assert isinstance(asked.exception(), httpx.HTTPError)
    assert_nothing_is_left(site.server, before, memory=8 * 2**20)


def test_a_caddy_that_is_told_to_flush_keeps_from_a_silent_program_that_its_client_left(site: Site) -> None:
    with caddy(site.server, {"transport http {": "flush_interval -1\n\t\ttransport http {"}) as proxy:
        with httpx.Client(timeout=0.5) as client, pytest.raises(httpx.ReadTimeout):
            client.post(f"{proxy.url}/v1/chat/completions", json=body("silent 2.5 flushed", stream=False))
        with pytest.raises(AssertionError, match="not noted"):
            site.notes.wait_for("ended silent 2.5 flushed", 1)
        site.notes.wait_for("ended silent 2.5 flushed")


def _hang_up(client: httpx.Client) -> None:
    """Close a client's connection under the thread that waits for its answer."""
    transport = client._transport
    assert isinstance(transport, httpx.HTTPTransport)
    for connection in transport._pool.connections:
        stream = connection._connection._network_stream  # type: ignore[attr-defined]
        stream.get_extra_info("socket").shutdown(2)


@KINDS
def test_a_body_of_the_largest_size_passes(site: Site, kind: str) -> None:
    content = _large(MAX_BODY)
    assert len(content) == MAX_BODY
    reply = httpx.post(f"{site.url[kind]}/v1/chat/completions", content=content, headers=JSON, timeout=60)
    assert int(text_of(reply)) > MAX_BODY - 200


@KINDS
@pytest.mark.parametrize("chunked", [False, True])
def test_a_larger_body_is_told_so_in_the_shape_of_all_errors(site: Site, kind: str, chunked: bool) -> None:
    content = _large(MAX_BODY + 1)
    pieces = (content[at : at + 2**20] for at in range(0, len(content), 2**20))
    reply = httpx.post(
        f"{site.url[kind]}/v1/chat/completions", content=pieces if chunked else content, headers=JSON, timeout=60
    )
    assert reply.status_code == 413
    assert reply.json()["error"]["code"] == "request_too_large"
    assert text_of(ask(site.url[kind], "long")) == "4"


JSON = {"Content-Type": "application/json"}


def _large(size: int) -> bytes:
    before, after = json.dumps(body("long ", stream=False)).encode().split(b"long ")
    return before + b"long " + b"x" * (size - len(before) - len(after) - 5) + after


@KINDS
def test_a_requests_id_is_the_same_for_client_program_and_log(site: Site, kind: str) -> None:
    reply = ask(site.url[kind], "who", **{"X-Request-Id": f"mine-{kind}"})
    assert reply.headers["x-request-id"] == f"mine-{kind}"
    assert json.loads(text_of(reply))["id"] == f"mine-{kind}"
    site.server.wait_for(f"request_id=mine-{kind}")
    made = ask(site.url[kind], "who")
    (number,) = made.headers.get_list("x-request-id")
    assert json.loads(text_of(made))["id"] == number
    site.server.wait_for(f"request_id={number}")


@KINDS
def test_the_log_has_the_clients_own_address_whatever_it_claims(site: Site, kind: str) -> None:
    with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.7")) as client:
        claims = {"X-Forwarded-For": "192.0.2.1", "X-Request-Id": f"from-{kind}"}
        client.post(f"{site.url[kind]}/v1/chat/completions", json=body("who"), headers=claims)
    site.server.wait_for(rf'127\.0\.0\.7 "POST /v1/chat/completions" 200 .*request_id=from-{kind}')
    assert "192.0.2.1" not in site.server.output


def test_nginx_logs_the_same_id_and_no_query(site: Site) -> None:
    proxy = site.proxies["nginx"]
    number = httpx.get(f"{proxy.url}/v1/models?key=open-sesame").headers["x-request-id"]
    given = httpx.get(f"{proxy.url}/v1/models", headers={"X-Request-Id": "given"}).headers["x-request-id"]
    site.server.wait_for(f"request_id={number}")
    lines = [json.loads(line) for line in (proxy.folder / "access.log").read_text().splitlines()]
    assert [(line["request_id"], line["path"]) for line in lines[-2:]] == [
        (number, "/v1/models"),
        (given, "/v1/models"),
    ]
    assert "open-sesame" not in (proxy.folder / "access.log").read_text()


@pytest.mark.parametrize(
    ("status", "code", "prompt", "header"),
    [(400, "invalid_http", "who", "x" * 20_000), (504, "timeout", "silent 3", "")],
)
def test_what_nginx_itself_says_has_the_shape_of_all_errors(
    site: Site, status: int, code: str, prompt: str, header: str
) -> None:
    with nginx(site.server, {"proxy_read_timeout 21700s": "proxy_read_timeout 1s"}) as proxy:
        reply = ask(proxy.url, prompt, **{"X-Long": header})
        assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)
        assert reply.json()["error"].keys() == {"message", "type", "param", "code"}
        assert reply.headers["content-type"] == "application/json"
        assert len(reply.headers["x-request-id"]) == 32


@pytest.mark.parametrize(("changes", "kept"), [({}, 1), ({"keepalive 64;": ""}, 0)])
def test_nginx_keeps_a_connection_to_the_server_for_the_next_request(
    serve: Serve, tmp_path: Path, changes: dict[str, str], kept: int
) -> None:
    server = serve(PROGRAM, env=Notes(tmp_path / "notes").env)
    with nginx(server, changes | {"worker_processes auto;": "worker_processes 1;"}) as proxy:
        for _ in range(5):
            assert text_of(ask(proxy.url, "long")) == "4"
        assert _connections_to(server) == kept


def _connections_to(server: ServerProcess) -> int:
    """Count the connections that are open at a server's own end."""
    port = f"{urlsplit(server.base_url).port:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    return sum(line[1].endswith(f":{port}") and line[3] == "01" for line in lines)


@KINDS
def test_keys_pass_and_nothing_but_liveness_is_open(serve: Serve, tmp_path: Path, kind: str) -> None:
    server = serve(PROGRAM, flags=("--api-key", "alice:open-sesame"), env=Notes(tmp_path / "notes").env)
    with PROXIES[kind](server) as proxy:
        for headers in ({"Authorization": "Bearer open-sesame"}, {"x-api-key": "open-sesame"}):
            assert json.loads(text_of(ask(proxy.url, "who", **headers)))["caller"] == "alice"
        wrong = ask(proxy.url, "who", Authorization="Bearer open-barley")
        assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "invalid_api_key")
        assert httpx.get(f"{proxy.url}/health/ready").status_code == 401
        assert httpx.get(f"{proxy.url}/health/live").status_code == 200


@KINDS
def test_an_official_client_streams_through_a_proxy(site: Site, kind: str) -> None:
    with openai.OpenAI(base_url=site.proxies[kind].base_url, api_key="none", max_retries=0) as client:
        stream = client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "count 3"}], stream=True
        )
        assert len([chunk for chunk in stream if chunk.choices[0].delta.content]) == 3


@KINDS
def test_streams_end_whole_when_the_server_does_and_the_next_server_is_found(
    serve: Serve, tmp_path: Path, kind: str
) -> None:
    notes, flags = Notes(tmp_path / "notes"), ("--port", str(free_port()), "--shutdown-timeout", "1")
    server = serve(PROGRAM, flags=flags, env=notes.env)
    with PROXIES[kind](server) as proxy, ThreadPoolExecutor(5) as pool:
        ended = [pool.submit(_frames, proxy.url, f"count 30{number}") for number in range(5)]
        for number in range(5):
            notes.wait_for(f"begun count 30{number}")
        os.kill(server.pid, signal.SIGTERM)
        for frames in ended:
            *_, failure, done = frames.result(15)
            assert json.loads(failure.removeprefix("data: "))["error"]["code"] == "cancelled"
            assert done == "data: [DONE]"
        assert server.stop() == 0
        away = ask(proxy.url, "who")
        assert (away.status_code, away.json()["error"]["code"]) == (502, "unavailable")
        assert away.json()["error"].keys() == {"message", "type", "param", "code"}
        assert away.headers["retry-after"] == "1"
        serve(PROGRAM, flags=flags, env=notes.env)
        assert text_of(ask(proxy.url, "long")) == "4"
    assert [note for note in notes.all() if note == "begun count 300"] == ["begun count 300"]


@KINDS
def test_a_server_that_is_killed_cuts_its_streams_and_the_next_server_is_found(
    serve: Serve, tmp_path: Path, kind: str
) -> None:
    notes, flags = Notes(tmp_path / "notes"), ("--port", str(free_port()))
    server = serve(PROGRAM, flags=flags, env=notes.env)
    with PROXIES[kind](server) as proxy, ThreadPoolExecutor(2) as pool:
        cut = pool.submit(_frames, proxy.url, "count 300")
        unanswered = pool.submit(ask, proxy.url, "silent 30")
        notes.wait_for("begun count 300")
        notes.wait_for("begun silent 30")
        time.sleep(0.3)
        assert server.stop(signal.SIGKILL) == -signal.SIGKILL
        with suppress(httpx.RemoteProtocolError):  # or it just ends
            assert "data: [DONE]" not in cut.result(15)
        assert (refused := unanswered.result(15)).status_code == 502
        if kind == "nginx":  # which knows a request's id by itself
            assert f"id {refused.headers['x-request-id']}" in notes.all()
        serve(PROGRAM, flags=flags, env=notes.env)
        assert text_of(ask(proxy.url, "long")) == "4"
    assert notes.all().count("begun silent 30") == 1  # nobody ran it again


def _frames(url: str, prompt: str) -> list[str]:
    with streaming(url, prompt) as reply:
        return [line for line in reply.iter_lines() if line]


def test_what_ships_is_laid_out_as_caddy_lays_it_out() -> None:
    done = subprocess.run([tool("caddy"), "fmt", DEPLOY / "Caddyfile"], capture_output=True, text=True, check=True)
    assert done.stdout == (DEPLOY / "Caddyfile").read_text()
