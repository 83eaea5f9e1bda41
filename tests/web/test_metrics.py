"""What Prometheus is told agrees with what clients saw, for every outcome, and its labels stay few."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

import mserve
from mserve import Options
from processes import Serve, ServerProcess
from web.outcomes import PROGRAM, body_of, leave, leave_early, metrics_of, wait_for_runs

Samples = dict[tuple[str, tuple[str, ...]], float]

FIRST = """
from mserve import served

@served(max_runs=1, max_queue=1)
async def serve(prompt):
    if prompt == "wait":
        await asyncio.sleep(60)
    if prompt == "block":
        time.sleep(0.4)
    yield prompt
"""
NARROW = f"import asyncio\nimport time\n{FIRST}"


def samples(text: str, read: Callable[[str], Any] = read_text) -> Samples:
    """Give each sample by its name and the values of its labels, in the order of the labels' names."""
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in read(text)
        for sample in family.samples
    }


def counted(server: ServerProcess, name: str) -> dict[tuple[str, ...], float]:
    return {values: count for (other, values), count in samples(metrics_of(server)).items() if other == name and count}


class Client:
    """Asks, and counts what it sees as the server should."""

    def __init__(self, server: ServerProcess) -> None:
        self._server = server
        self._client = httpx.Client(base_url=server.base_url, timeout=10, verify=False)
        self.requests: Counter[tuple[str, ...]] = Counter()
        self.errors: Counter[tuple[str, ...]] = Counter()
        self.writes = self.firsts = 0

    def close(self) -> None:
        self._client.close()

    def ask(self, prompt: str, outcome: str, kind: str = "", **more: Any) -> None:
        body = body_of(prompt, **more)
        with self._client.stream("POST", "/chat/completions", json=body) as reply:
            pieces = list(reply.iter_raw())
        text = b"".join(pieces)
        if body.get("stream") and reply.status_code == 200:
            assert text.endswith(b"data: [DONE]\n\n")
            self.writes += text.count(b'"content"') + 1  # the finish, or the error
            assert (b'"error"' in text) == (outcome == "failed")
        self.firsts += b'"content"' in text or prompt == "fail-late"
        self._saw("other" if outcome == "refused" else "prog", outcome, reply.status_code, kind)

    def send(self, method: str, path: str, status: int, kind: str, **more: Any) -> None:
        reply = self._client.request(method, path, **more)
        assert reply.status_code == status
        self._saw("other", "refused" if kind else "finished", status, kind)

    def leave(self, prompt: str, *, stream: bool, policy: str = "cancel") -> None:
        leave(self._server, prompt, "x", stream=stream, policy=policy)
        self.firsts += stream
        self.requests["client_left", "prog", "2xx" if stream else "none"] += 1
        wait_for_runs(self._server, 0)

    def _saw(self, program: str, outcome: str, status: int, kind: str) -> None:
        self.requests[outcome, program, f"{status // 100}xx"] += 1
        if kind:
            self.errors[kind, program] += 1


# In Python, since times may be set there that are no flags.
HOST = """
import sys
import mserve
from mserve import Limits, Options, Settings, Times
from mserve.server.worker import Worker

options = Options(
    limits=Limits(max_body=2000), times=Times(first_event=0.5), strict_model=True, aliases={"m": "prog"}
)
app = mserve.create_app(sys.argv[1], names=["prog"], options=options)
Worker(app, Settings(port=0), lambda url: print(f"Serving prog at {url}", flush=True)).run_forever()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("hosted")
    for name, text in (("host.py", HOST), ("program.py", PROGRAM)):
        (folder / name).write_text(text)

    class Hosted(ServerProcess):
        start = (str(folder / "host.py"), str(folder / "program.py"))

    process = Hosted()
    process.wait_until_ready()
    yield process
    process.stop()


def test_the_counters_agree_with_what_clients_saw(server: ServerProcess) -> None:
    client = Client(server)
    for stream in (True, False):
        client.ask("usage", "finished", stream=stream)
        client.ask("x", "finished", stream=stream, n=2)
        client.ask("fail", "failed", "program_error", stream=stream)
        client.ask("refuse", "failed", "client_error", stream=stream)
        client.ask("fail-late", "failed", "program_error", stream=stream)
        client.ask("hang", "failed", "timeout", stream=stream)
        client.leave("begin" if stream else "hang", stream=stream)
    client.leave("usage", stream=True, policy="finish")
    client.ask("x", "refused", "client_error", n=0)
    client.ask("x", "refused", "model_not_found", model="none")
    client.send("POST", "/chat/completions", 400, "invalid_json", json=[])
    client.send("POST", "/chat/completions", 413, "request_too_large", json="x" * 2001)
    client.send("POST", "/chat/completions", 415, "unsupported_media_type", content=b"{}")
    client.send("GET", "/nowhere", 404, "not_found")
    client.send("PUT", "/models", 405, "method_not_allowed")
    client.send("GET", "/models", 200, "")
    leave_early(server, "x")
    client.requests["client_left", "other", "none"] += 1
    client.close()
    wait_until(lambda: seen(server) == client.requests, lambda: f"{seen(server)} is not {client.requests}")
    assert counted(server, "mserve_errors_total") == client.errors
    assert counted(server, "mserve_runs_total") == {
        ("finished", "prog"): 7, ("failed", "prog"): 8, ("cancelled", "prog"): 2,
    }  # fmt: skip
    assert counted(server, "mserve_tokens_total") == {("prog", "input"): 15, ("prog", "output"): 25}
    assert counted(server, "mserve_time_to_first_token_seconds_count") == {("prog",): client.firsts}
    durations = counted(server, "mserve_request_duration_seconds_count")["prog",]
    assert durations == sum(count for (_, program, _), count in client.requests.items() if program == "prog")
    gaps = counted(server, "mserve_write_gap_seconds_count")["prog",]
    assert 10 <= gaps <= client.writes
    assert 0.4 < counted(server, "mserve_write_gap_seconds_sum")["prog",] < 1.5


def seen(server: ServerProcess) -> dict[tuple[str, ...], float]:
    """Give the requests that were counted, but for those that asked how many."""
    counts = counted(server, "mserve_requests_total")
    key = ("finished", "other", "2xx")
    return counts | {key: 1} if counts.get(key, 0) > 1 else counts


def wait_until(reached: Callable[[], bool], told: Callable[[], str]) -> None:
    for _ in range(100):
        if reached():
            return
        time.sleep(0.02)
    raise AssertionError(told())


def test_no_client_can_make_a_label(server: ServerProcess) -> None:
    def names() -> set[tuple[str, tuple[str, ...]]]:
        return set(samples(metrics_of(server)))

    url = server.base_url.removesuffix("/v1")
    httpx.get(f"{url}/a-path-of-mine", verify=False)
    httpx.post(f"{url}/v1/chat/completions", json=body_of("x", model="nobody-0"), verify=False)
    before = names()
    for number in range(5):
        httpx.get(f"{url}/a-path-of-mine-{number}", verify=False)
        httpx.post(f"{url}/v1/chat/completions", json=body_of("x", model=f"nobody-{number}"), verify=False)
    assert names() == before
    text = metrics_of(server)
    assert "nobody" not in text
    assert "mine" not in text
    assert "too_much" not in text


def test_it_says_what_it_is_and_how_the_process_fares(server: ServerProcess) -> None:
    now = samples(metrics_of(server))
    (build,) = [values for name, values in now if name == "mserve_build_info"]
    assert build[1] == "0.1.0"
    assert now["process_resident_memory_bytes", ()] > 1e6
    assert now["mserve_event_loop_lag_seconds_count", ()] > 1


def test_it_speaks_openmetrics_too(server: ServerProcess) -> None:
    url = server.base_url.removesuffix("/v1") + "/metrics"
    plain = httpx.get(url, verify=False)
    reply = httpx.get(url, headers={"Accept": "application/openmetrics-text; version=1.0.0"}, verify=False)
    assert plain.headers["content-type"].startswith("text/plain; version=")
    assert reply.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert set(samples(reply.text, read_openmetrics)) >= {("mserve_runs_active", ()), ("mserve_runs_queued", ())}
    assert httpx.head(url, verify=False).headers["content-type"] == plain.headers["content-type"]


def test_runs_that_work_and_wait_are_told_apart_and_a_blocked_loop_is_seen(serve: Serve) -> None:
    server = serve(NARROW, flags=("--shutdown-timeout", "0"))
    with httpx.Client(base_url=server.base_url) as client:
        client.post("/chat/completions", json=body_of("block"))
        wait_until(lambda: counted(server, "mserve_event_loop_lag_seconds_sum")[()] > 0.2, lambda: metrics_of(server))
    leave(server, "wait", "x", stream=False)
    wait_for_runs(server, 0)
    body = json.dumps(body_of("wait"))
    with httpx.Client(base_url=server.base_url) as client:
        for _ in range(2):
            send_without_waiting(client, body)
        wait_for_runs(server, 2)
        assert counted(server, "mserve_runs_queued") == {(): 1}
        full = client.post("/chat/completions", content=body, headers={"content-type": "application/json"})
        assert full.status_code == 429
        assert counted(server, "mserve_errors_total") == {("overloaded", "program_0_0"): 1}


def send_without_waiting(client: httpx.Client, body: str) -> None:
    headers = {"x-mserve-on-disconnect": "finish", "content-type": "application/json"}
    with pytest.raises(httpx.ReadTimeout):
        client.post("/chat/completions", content=body, timeout=0.1, headers=headers)


async def test_two_apps_of_one_process_count_for_themselves() -> None:
    async def serve(prompt: str) -> str:
        return prompt

    apps = [mserve.create_app(serve, names=[name], options=Options()) for name in ("first", "second")]
    texts = []
    for number, app in enumerate(apps):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://host") as client:
            for _ in range(number + 1):
                await client.post("/v1/chat/completions", json=body_of("x"))
            texts.append(samples((await client.get("/metrics")).text))
        app.lagged(0.1)
        await app.close()
    for number, name in enumerate(("first", "second")):
        assert texts[number]["mserve_runs_total", ("finished", name)] == number + 1
    assert ("mserve_runs_total", ("finished", "second")) not in texts[0]
