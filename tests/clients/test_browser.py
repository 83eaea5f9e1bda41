"""A page in a real browser that calls a server of another origin: one that lets it in, and those that do not.

The page comes from a small server of the test's own, and posts there what it saw.
"""

import json
import os
import queue
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from processes import Serve, ServerProcess

LIMIT = 25.0
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # which root cannot have
    "--disable-gpu",
    "--disable-dev-shm-usage",  # containers have little of it
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # nobody out there is asked for anything
)
PROGRAM = """
import asyncio

async def serve(prompt, headers):
    print("ran:", prompt, headers.get("authorization"), headers.get("x-stainless-lang"), flush=True)
    if prompt == "fail":
        raise RuntimeError
    for word in ("one ", "two ", "three ", "four "):
        yield word
        await asyncio.sleep(0.25)
"""
PAGE = """<!doctype html><meta charset="utf-8"><title>A page</title><script type="module">
const body = (content) => JSON.stringify({stream: true, messages: [{role: "user", content}]});
const post = (content, headers, more) =>
  fetch("BASE/chat/completions", {method: "POST", headers, body: body(content), ...more});
const typed = (type) => ({"Content-Type": type});
const json = (text) => new Blob([text], {type: "application/json"});
const asSdk = {...typed("application/json"), Authorization: "Bearer sk-mine", "X-Stainless-Lang": "js"};

async function pieces(reply) {
  const seen = [];
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let {done, value} = await reader.read(); !done; {done, value} = await reader.read())
    seen.push([performance.now(), value]);
  return seen;
}

async function failure(reply) {
  return [reply.status, reply.headers.get("x-should-retry"), (await reply.json()).error.code];
}

const tries = {
  beacon: async () => navigator.sendBeacon("BASE/chat/completions", json(body("beacon"))),
  listed: async () => (await (await fetch("BASE/models")).json()).object,
  stream: async () => pieces(await post("stream", asSdk)),
  failure: async () => failure(await post("fail", asSdk)),
  text: async () => failure(await post("text", typed("text/plain"))),
  form: async () => failure(await post("form", typed("application/x-www-form-urlencoded"))),
  untyped: async () => failure(await post("untyped", {})),
  opaque: async () => (await post("opaque", typed("application/json"), {mode: "no-cors"})).type,
};
const saw = {};
for (const [name, act] of Object.entries(tries))
  saw[name] = await act().catch((error) => error.name);
await fetch("/saw", {method: "POST", body: JSON.stringify(saw)});
</script>"""


class Page(ThreadingHTTPServer):
    """Serves the page, and takes what it saw. Each has a port of its own, which makes it an origin of its own."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.calls = ""
        self.saw: queue.Queue[dict[str, Any]] = queue.Queue()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    server: Page

    def do_GET(self) -> None:
        self._answer(PAGE.replace("BASE", self.server.calls).encode())

    def do_POST(self) -> None:
        self.server.saw.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self._answer(b"")

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def page() -> Iterator[Page]:
    with Page() as page:
        serving = threading.Thread(target=page.serve_forever)
        serving.start()
        yield page
        page.shutdown()
        serving.join()


@contextmanager
def browser(url: str) -> Iterator[Path]:
    """Let a browser look at a page, with a profile that nobody else has; give the file of what it says."""
    command = next(filter(None, map(shutil.which, BROWSERS)), None)
    if command is None:
        pytest.fail(
            f"No browser on the path ({', '.join(BROWSERS)}): on Debian, apt-get install chromium.", pytrace=False
        )
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as folder:
        said = Path(folder) / "said"
        with said.open("wb") as output:
            arguments = [command, *FLAGS, f"--user-data-dir={folder}/profile", url]
            process = subprocess.Popen(arguments, stdout=output, stderr=output, start_new_session=True)
        try:
            yield said
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # it is many processes
            process.wait()


def seen(page: Page, server: ServerProcess) -> tuple[dict[str, Any], str]:
    """What the page saw of a server, and all that the server said."""
    page.calls = server.base_url
    with browser(page.origin) as said:
        try:
            saw = page.saw.get(timeout=LIMIT)
        except queue.Empty:
            pytest.fail(
                f"The page told nothing in {LIMIT} s; the browser: {said.read_text()}; the server: {server.output}"
            )
    server.stop()
    return saw, server.output


def test_a_page_of_a_named_origin_reads_a_stream_as_it_is_spoken(serve: Serve, page: Page) -> None:
    saw, output = seen(page, serve(PROGRAM, flags=("--allowed-origins", page.origin)))
    words = [at for at, piece in saw["stream"] if '"content"' in piece]
    assert len(words) == 4
    assert min(later - earlier for earlier, later in pairwise(words)) > 100  # milliseconds
    *frames, done, rest = "".join(piece for _, piece in saw["stream"]).split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    deltas = [json.loads(frame.removeprefix("data: "))["choices"][0]["delta"] for frame in frames]
    assert "".join(delta.get("content", "") for delta in deltas) == "one two three four "
    assert saw["listed"] == "list"
    assert saw["failure"] == [500, "false", "program_error"]
    assert saw["text"] == saw["form"] == saw["untyped"] == [415, None, "unsupported_media_type"]
    ran = [line for line in output.splitlines() if line.startswith("ran: ")]
    assert ran == [f"ran: {prompt} Bearer sk-mine js" for prompt in ("stream", "fail")]


@pytest.mark.parametrize(
    "flags", [(), ("--allowed-origins", "http://127.0.0.1:1")], ids=["none named", "another named"]
)
def test_a_page_of_another_origin_reads_nothing_and_runs_nothing(
    serve: Serve, page: Page, flags: tuple[str, ...]
) -> None:
    saw, output = seen(page, serve(PROGRAM, flags=flags))
    assert (saw.pop("beacon"), saw.pop("opaque")) == (True, "opaque")  # what a page is told of anything
    assert set(saw.values()) == {"TypeError"}
    assert "ran: " not in output
    # It did try: a browser asks first where it must, and sends the rest unasked, which is refused for its origin.
    asked, sent = (re.findall(rf'"{method} /v1/chat/completions" (\d+)', output) for method in ("OPTIONS", "POST"))
    assert len(asked) >= 2
    assert sent == ["403"] * 4
