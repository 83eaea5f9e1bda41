"""What OpenTelemetry is told, by a server whose program set its SDK up, and by one that did so itself."""

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from processes import Serve, ServerProcess
from web.outcomes import body_of, leave, wait_for_runs

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"

SPANS = """
import json

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
metrics.set_meter_provider(MeterProvider([reader]))


async def serve(prompt):
    if prompt == "metrics":
        return reader.get_metrics_data().to_json()
    return json.dumps([json.loads(span.to_json()) for span in exporter.get_finished_spans()])
"""
LATE = """
import contextlib, json, sys

@contextlib.asynccontextmanager
async def lifespan():
    assert "opentelemetry.trace" not in sys.modules
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    yield exporter

async def serve(prompt, state):
    return json.dumps([json.loads(span.to_json()) for span in state.get_finished_spans()])
"""
ASYNC = """
import asyncio
from opentelemetry import trace
from mserve import ClientError, Usage

tracer = trace.get_tracer("of the program")

async def serve(prompt):
    with tracer.start_as_current_span(f"inner {prompt}"):
        if prompt == "fail":
            raise RuntimeError("a secret of the operator")
        if prompt == "refuse":
            raise ClientError("too much", status=429, code="too_much")
        yield "a"
        await asyncio.sleep(60 if prompt == "hang" else 0.05)
        with tracer.start_as_current_span(f"innermost {prompt}"):
            yield "b"
    yield Usage(3, 2, cached_tokens=1, reasoning_tokens=1)
"""
SYNC = """
from opentelemetry import trace

tracer = trace.get_tracer("of the program")

def serve(prompt):
    with tracer.start_as_current_span(f"inner {prompt}"):
        yield "a"
"""


@pytest.fixture(scope="module")
def server(serve_module: Serve) -> ServerProcess:
    names = ("--name", "spans", "--name", "slow", "--name", "quick", "--alias", "gpt-4o=slow", "--max-body", "10000")
    return serve_module(SPANS, ASYNC, SYNC, flags=names)


def ask(server: ServerProcess, model: str, prompt: str, path: str = "chat/completions", **more: Any) -> httpx.Response:
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-Id": "mine"}
    body = body_of(prompt, **more) if path == "chat/completions" else {"prompt": prompt, **more}
    return httpx.post(f"{server.base_url}/{path}", json=body | {"model": model}, headers=headers, verify=False)


def told(server: ServerProcess, what: str) -> Any:
    reply = httpx.post(f"{server.base_url}/chat/completions", json=body_of(what, model="spans"), verify=False)
    return json.loads(reply.json()["choices"][0]["message"]["content"])


def spans(server: ServerProcess) -> dict[str, Any]:
    """Give the latest span of each name, but for those of who asked for them."""
    return {span["name"]: span for span in told(server, "spans") if span["name"] != "chat spans"}


def own(attributes: dict[str, Any]) -> dict[str, Any]:
    """Leave out what no two runs have in common."""
    address = "client.address", "server.address", "server.port", "gen_ai.response.time_to_first_chunk"
    return {name: value for name, value in attributes.items() if name not in address}


def test_a_request_is_a_span_of_its_caller_and_the_programs_spans_are_inside(server: ServerProcess) -> None:
    more: dict[str, Any] = {"temperature": 0.5, "max_tokens": 9, "seed": 7}
    assert ask(server, "gpt-4o", "whole", stream=True, n=2, **more).status_code == 200
    found = spans(server)
    outer, inner, innermost = (found[name] for name in ("chat slow", "inner whole", "innermost whole"))
    assert {span["context"]["trace_id"] for span in (outer, inner, innermost)} == {f"0x{TRACE}"}
    assert outer["parent_id"] == f"0x{PARENT}"
    assert inner["parent_id"] == outer["context"]["span_id"]
    assert innermost["parent_id"] == inner["context"]["span_id"]
    assert (outer["kind"], outer["status"]["status_code"]) == ("SpanKind.SERVER", "UNSET")
    assert 0 < outer["attributes"]["gen_ai.response.time_to_first_chunk"] < 5
    assert outer["attributes"]["server.port"] == int(server.base_url.split("/")[2].split(":")[1])
    assert own(outer["attributes"]) == {
        "http.request.method": "POST", "http.route": "/v1/chat/completions", "url.path": "/v1/chat/completions",
        "url.scheme": "http", "http.response.status_code": 200,
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "mserve", "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "slow", "gen_ai.request.stream": True, "gen_ai.request.choice.count": 2,
        "gen_ai.request.temperature": 0.5, "gen_ai.request.max_tokens": 9, "gen_ai.request.seed": 7,
        "gen_ai.response.finish_reasons": ["stop", "stop"],
        "gen_ai.usage.input_tokens": 6, "gen_ai.usage.output_tokens": 4,
        "gen_ai.usage.cache_read.input_tokens": 2, "gen_ai.usage.reasoning.output_tokens": 2,
        "mserve.request_id": "mine", "mserve.end": "finished:stop",
    }  # fmt: skip


def test_a_sync_programs_spans_are_inside_too(server: ServerProcess) -> None:
    ask(server, "quick", "sync", "completions")
    found = spans(server)
    outer = found["text_completion quick"]
    assert found["inner sync"]["parent_id"] == outer["context"]["span_id"]
    assert outer["attributes"]["gen_ai.operation.name"] == "text_completion"
    assert "gen_ai.usage.input_tokens" not in outer["attributes"]
    assert "gen_ai.response.time_to_first_chunk" not in outer["attributes"]


def test_without_a_caller_of_its_own_it_begins_a_trace(server: ServerProcess) -> None:
    httpx.post(f"{server.base_url}/chat/completions", json=body_of("alone", model="quick"), verify=False)
    outer = spans(server)["chat quick"]
    assert outer["parent_id"] is None
    assert outer["context"]["trace_id"] != f"0x{TRACE}"


def test_a_failure_is_an_error_without_its_text(server: ServerProcess) -> None:
    assert ask(server, "slow", "fail").status_code == 500
    outer = spans(server)["chat slow"]
    assert outer["status"] == {"status_code": "ERROR", "description": "failed:program_error"}
    assert outer["attributes"]["error.type"] == "program_error"
    assert outer["events"] == []
    assert ask(server, "slow", "refuse").status_code == 429
    outer = spans(server)["chat slow"]
    assert (outer["attributes"]["error.type"], outer["attributes"]["mserve.end"]) == ("client_error", "failed:too_much")


def test_what_is_refused_is_a_span_without_a_program(server: ServerProcess) -> None:
    ask(server, "nobody", "x")
    outer = spans(server)["chat"]
    assert outer["attributes"]["gen_ai.request.model"] == "nobody"
    assert outer["attributes"]["error.type"] == "model_not_found"
    assert outer["status"]["status_code"] == "UNSET"
    ask(server, "slow", "x" * 20000)
    assert "gen_ai.request.model" not in spans(server)["chat"]["attributes"]
    httpx.post(f"{server.base_url}/nowhere", json={}, verify=False)
    elsewhere = spans(server)["POST"]["attributes"]
    assert (elsewhere["url.path"], elsewhere["http.response.status_code"]) == ("/v1/nowhere", 404)
    assert not [name for name in elsewhere if name.startswith("gen_ai")]


def test_what_the_caller_does_not_sample_is_no_span(server: ServerProcess) -> None:
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-00"}
    before = told(server, "spans")
    body = body_of("unsampled", model="quick")
    assert httpx.post(f"{server.base_url}/chat/completions", json=body, headers=headers, verify=False).is_success
    assert "inner unsampled" not in spans(server)
    assert [span["name"] for span in told(server, "spans")[len(before) :]] == ["chat spans", "chat spans"]


def test_what_asks_no_program_is_no_span(server: ServerProcess) -> None:
    before = told(server, "spans")
    httpx.get(f"{server.base_url}/models", verify=False)
    after = told(server, "spans")
    assert [span["name"] for span in after[len(before) :]] == ["chat spans"]


def test_a_stranger_whom_the_server_does_not_let_in_writes_no_span(server: ServerProcess) -> None:
    before = told(server, "spans")
    headers = {"Origin": "https://evil.example", "traceparent": f"00-{TRACE}-{PARENT}-01"}
    url = f"{server.base_url}/chat/completions"
    assert httpx.post(url, json=body_of("x", model="slow"), headers=headers, verify=False).status_code == 403
    after = told(server, "spans")
    assert [span["name"] for span in after[len(before) :]] == ["chat spans"]


def test_a_client_that_leaves_ends_its_span(server: ServerProcess) -> None:
    leave(server, "hang", "left", stream=False, model="slow")
    wait_for_runs(server, 0)
    outer = spans(server)["chat slow"]
    assert (outer["attributes"]["mserve.end"], outer["attributes"]["error.type"]) == ("client_left", "client_left")
    assert "http.response.status_code" not in outer["attributes"]


def test_durations_are_told_by_program_and_the_rest_of_successes_alone(server: ServerProcess) -> None:
    ask(server, "gpt-4o", "measured", stream=True)
    ask(server, "slow", "fail")
    (scope,) = told(server, "metrics")["resource_metrics"][0]["scope_metrics"]
    assert scope["scope"]["name"] == "mserve"
    found = {metric["name"]: metric for metric in scope["metrics"]}
    duration, first, per_token = (
        found[f"gen_ai.server.{name}"] for name in ("request.duration", "time_to_first_token", "time_per_output_token")
    )
    assert {metric["unit"] for metric in (duration, first, per_token)} == {"s"}
    kinds = {point["attributes"].get("error.type") for point in duration["data"]["data_points"]}
    assert kinds >= {None, "program_error"}
    assert all("error.type" not in point["attributes"] for point in first["data"]["data_points"])
    (slow,) = [p for p in per_token["data"]["data_points"] if p["attributes"]["gen_ai.request.model"] == "slow"]
    assert slow["attributes"] == {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "mserve", "gen_ai.request.model": "slow",
        "gen_ai.response.model": "slow",
    }  # fmt: skip
    assert slow["explicit_bounds"][0] == 0.01
    assert 0.04 < slow["min"] < 1
    assert [metric["data"]["data_points"][0]["explicit_bounds"][-1] for metric in (duration, first)] == [81.92, 10.0]


class Collector:
    """Takes what is exported over HTTP, and keeps it by path."""

    def __init__(self) -> None:
        taken: dict[str, list[bytes]] = {}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                taken.setdefault(self.path, []).append(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.taken = taken
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


def test_the_sdk_is_set_up_by_the_variables_that_its_users_know(serve: Serve, collector: Collector) -> None:
    server = serve(ASYNC, env={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url})
    ask(server, "x", "exported")
    assert server.stop() == 0
    (traces, measures) = (b"".join(collector.taken[f"/v1/{kind}"]) for kind in ("traces", "metrics"))
    (resource,) = ExportTraceServiceRequest.FromString(traces).resource_spans
    names = {span.name for scope in resource.scope_spans for span in scope.spans}
    assert names == {"chat program_0_0", "inner exported", "innermost exported"}
    assert ("service.name", "mserve") in {(a.key, a.value.string_value) for a in resource.resource.attributes}
    (scope,) = ExportMetricsServiceRequest.FromString(measures).resource_metrics[0].scope_metrics
    assert "gen_ai.server.request.duration" in {metric.name for metric in scope.metrics}


def test_an_exporter_alone_gets_spans_under_the_operators_name(serve: Serve) -> None:
    env = {"OTEL_TRACES_EXPORTER": "console", "OTEL_RESOURCE_ATTRIBUTES": "service.name=theirs"}
    server = serve(ASYNC, env=env)
    ask(server, "x", "printed")
    assert server.stop() == 0
    assert '"name": "chat program_0_0"' in server.output
    assert '"service.name": "theirs"' in server.output


def test_what_a_program_set_up_is_left_alone(serve: Serve, collector: Collector) -> None:
    server = serve(SPANS, env={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url})
    assert [span["name"] for span in told(server, "spans")] == []
    assert [span["name"] for span in told(server, "spans")] == ["chat program_0_0"]
    server.stop()
    assert collector.taken == {}
    assert "Overriding" not in server.output


def test_what_a_lifespan_sets_up_is_told_though_nobody_spoke_of_it_before(serve: Serve) -> None:
    server = serve(LATE)
    assert [span["name"] for span in told(server, "spans")] == []
    assert [span["name"] for span in told(server, "spans")] == ["chat program_0_0"]


def run_once(file: Path, code: str, **env: str) -> subprocess.CompletedProcess[str]:
    file.write_text("def serve(prompt): return prompt")
    command = [sys.executable, "-c", code, "run", str(file), "--port", "0"]
    return subprocess.run(command, env=os.environ | env, capture_output=True, text=True, timeout=30, check=False)


def test_what_cannot_be_set_up_is_told_at_the_start(tmp_path: Path) -> None:
    done = run_once(tmp_path / "p.py", "from mserve.__main__ import main; main()", OTEL_TRACES_EXPORTER="nobody")
    assert done.returncode == 3
    assert "mserve: OpenTelemetry cannot be set up as the OTEL_ variables say: " in done.stderr


@pytest.mark.parametrize("missing", ["opentelemetry", "opentelemetry.sdk"])
def test_without_the_extra_all_else_goes_on(tmp_path: Path, missing: str) -> None:
    code = f"""
import os, signal, sys, threading, urllib.request
sys.modules[{missing!r}] = None
from mserve.cli import run as command
from mserve.__main__ import main
def show(names, url):
    def ask():
        urllib.request.urlopen(url + "/models").close()
        os.kill(os.getpid(), signal.SIGTERM)
    threading.Thread(target=ask).start()
command.show_serving = show
main()
"""
    done = run_once(tmp_path / "p.py", code, OTEL_TRACES_EXPORTER="console")
    assert done.returncode == 0, done.stderr
    assert '"GET /v1/models" 200 finished' in done.stdout
    assert "Traceback" not in done.stderr
