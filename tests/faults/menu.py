"""What is asked of the programs of the mix, how often, and how each of it has to end."""

from typing import Any

from faults.mix import WRONG_KEY, Ask

WIDE = """
import asyncio
import gc
import json
import sys

from mserve import ClientError, Finish, ToolCallStart, Usage


async def serve(prompt):
    mode = prompt.partition(" ")[0]
    if mode == "objects":
        gc.collect()
        yield json.dumps({"objects": len(gc.get_objects()), "blocks": sys.getallocatedblocks()})
        return
    if mode == "fail":
        raise RuntimeError("a secret of the operator")
    if mode == "refuse":
        raise ClientError("too much", status=429, code="too_much")
    if mode == "absent":
        raise ClientError("not there", status=503, code="absent")
    if mode == "hang":
        await asyncio.sleep(60)
    if mode == "nothing":
        return
    if mode == "call":
        yield ToolCallStart("call_1", "look")
        return
    yield '{"a": ' if mode == "json" else "one "
    await asyncio.sleep({"gap": 60, "begin": 60, "later": 1, "slowly": 0.05}.get(mode, 0))
    yield "1}" if mode == "json" else "two STOP three"
    if mode in ("usage", "later", "fail-late"):
        yield Usage(3, 5)
    if mode == "fail-late":
        raise RuntimeError("a secret of the operator")
    if mode == "length":
        yield Finish("length")
"""
SYNC = """
def serve(prompt):
    yield "one "
    if prompt == "fail-late":
        raise RuntimeError("a secret of the operator")
    yield "two"
"""
NARROW = """
import asyncio

from mserve import served


@served(max_runs=1, max_queue=1)
async def serve(prompt):
    yield "one "
    if prompt == "begin":
        await asyncio.sleep(60)
"""
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
JSON_FORMAT = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
USAGE: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
LATE: dict[str, Any] = {"stream": True, "headers": {"x-mserve-grace-period": "0"}}
POST = ("POST", "/v1/chat/completions")
WRONG = {"authorization": f"Bearer {WRONG_KEY}"}
PREFLIGHT = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}

MENU: list[tuple[int, Ask]] = [
    # Answers.
    (90, lambda c: c.chat("x", "finished:stop", "finished")),
    (90, lambda c: c.chat("x", "finished:stop", "finished", stream=True)),
    (60, lambda c: c.chat("x", "finished:stop", "finished", program="sync")),
    (60, lambda c: c.chat("x", "finished:stop", "finished", program="sync", stream=True)),
    (30, lambda c: c.chat("x", "finished:stop", "finished", path="/v1/completions")),
    (30, lambda c: c.chat("x", "finished:stop", "finished", path="/v1/completions", stream=True, n=2)),
    (50, lambda c: c.chat("usage", "finished:stop", "finished", tokens=1)),
    (50, lambda c: c.chat("usage", "finished:stop", "finished", tokens=1, **USAGE)),
    (20, lambda c: c.chat("usage", "finished:stop", "finished", tokens=1, n=3)),
    (20, lambda c: c.chat("usage", "finished:stop", "finished", tokens=1, n=3, **USAGE)),
    (40, lambda c: c.chat("length", "finished:length", "finished")),
    (40, lambda c: c.chat("length", "finished:length", "finished", stream=True)),
    (40, lambda c: c.chat("call", "finished:tool_calls", "finished")),
    (40, lambda c: c.chat("call", "finished:tool_calls", "finished", stream=True)),
    (20, lambda c: c.chat("nothing", "finished:stop", "finished")),
    (20, lambda c: c.chat("slowly", "finished:stop", "finished", stream=True)),
    (30, lambda c: c.chat("x", "finished:stop", "finished", stop=["STOP"])),
    (30, lambda c: c.chat("x", "finished:stop", "finished", stop="STOP", stream=True)),
    (30, lambda c: c.chat("json", "finished:stop", "finished", response_format=JSON_FORMAT)),
    (30, lambda c: c.chat("json", "finished:stop", "finished", response_format=JSON_FORMAT, stream=True)),
    # Failures.
    (20, lambda c: c.chat("x", "failed:invalid_output", "failed", response_format=JSON_FORMAT)),
    (20, lambda c: c.chat("x", "failed:invalid_output", "failed", response_format=JSON_FORMAT, stream=True)),
    (20, lambda c: c.chat("fail", "failed:program_error", "failed", spoke=False)),
    (20, lambda c: c.chat("fail", "failed:program_error", "failed", spoke=False, stream=True)),
    (20, lambda c: c.chat("fail", "failed:program_error", "failed", spoke=False, **LATE)),
    (10, lambda c: c.chat("fail", "failed:program_error", "failed", "cancelled", spoke=False, n=2)),
    (20, lambda c: c.chat("fail-late", "failed:program_error", "failed", tokens=1)),
    (20, lambda c: c.chat("fail-late", "failed:program_error", "failed", tokens=1, **USAGE)),
    (20, lambda c: c.chat("fail-late", "failed:program_error", "failed", program="sync")),
    (20, lambda c: c.chat("fail-late", "failed:program_error", "failed", program="sync", stream=True)),
    (20, lambda c: c.chat("refuse", "failed:too_much", "failed", spoke=False)),
    (20, lambda c: c.chat("refuse", "failed:too_much", "failed", spoke=False, stream=True)),
    (10, lambda c: c.chat("absent", "failed:absent", "failed", spoke=False)),
    (3, lambda c: c.chat("hang", "failed:timeout", "failed", spoke=False)),
    (3, lambda c: c.chat("hang", "failed:timeout", "failed", spoke=False, stream=True)),
    (3, lambda c: c.chat("hang", "failed:timeout", "failed", spoke=False, **LATE)),
    (3, lambda c: c.chat("gap", "failed:timeout", "failed")),
    (3, lambda c: c.chat("gap", "failed:timeout", "failed", stream=True)),
    # Refusals.
    (15, lambda c: c.chat("x", "refused:400", chosen=False, n=99)),
    (15, lambda c: c.chat("x", "refused:400", chosen=False, temperature="hot")),
    (15, lambda c: c.chat("x", "refused:400", headers={"x-mserve-grace-period": "soon"})),
    (15, lambda c: c.chat("x", "refused:model_not_found", chosen=False, program="nobody")),
    (15, lambda c: c.plain(*POST, "refused:invalid_json", 400, json=[])),
    (15, lambda c: c.plain(*POST, "refused:invalid_api_key", 401, keyed=False, json=[])),
    (15, lambda c: c.plain("GET", "/v1/models", "refused:invalid_api_key", 401, keyed=False, headers=WRONG)),
    (15, lambda c: c.plain("GET", "/nowhere", "refused:not_found", 404)),
    (15, lambda c: c.plain("DELETE", "/v1/models", "refused:method_not_allowed", 405)),
    (15, lambda c: c.plain(*POST, "refused:request_too_large", 413, json="x" * 30_000)),
    (15, lambda c: c.plain(*POST, "refused:unsupported_media_type", 415, content=b"{}")),
    (10, lambda c: c.no_http(b"garbage\r\n\r\n", 400, "invalid_http")),
    (10, lambda c: c.no_http(b"GET /" + b"a" * 10_000, 431, "headers_too_large")),
    # What else there is.
    (10, lambda c: c.plain("GET", "/health/live", "finished", 200, keyed=False)),
    (10, lambda c: c.plain("GET", "/health/ready", "finished", 200)),
    (10, lambda c: c.plain("GET", "/v1/models", "finished", 200)),
    (10, lambda c: c.plain("GET", "/v1/models/other-name", "finished", 200)),
    (10, lambda c: c.plain("GET", "/openapi.json", "finished", 200)),
    (5, lambda c: c.plain("GET", "/metrics", "finished", 200)),
    (10, lambda c: c.plain("HEAD", "/v1/models", "finished", 200)),
    (10, lambda c: c.plain("HEAD", "/nowhere", "refused:not_found", 404)),
    (10, lambda c: c.plain("OPTIONS", "/v1/models", "finished", 204)),
    (10, lambda c: c.plain("OPTIONS", "/v1/models", "refused:invalid_api_key", 401, keyed=False, headers=PREFLIGHT)),
    # Clients that leave.
    (20, lambda c: c.leave("hang", "at once", "cancelled")),
    (20, lambda c: c.leave("hang", "byte", "cancelled", headers={"x-mserve-grace-period": "0"})),
    (20, lambda c: c.leave("begin", "word", "cancelled")),
    (10, lambda c: c.leave("later", "word", "finished", tokens=1, headers={"x-mserve-on-disconnect": "finish"})),
    (20, lambda c: c.leave("slowly", "any", "finished", "cancelled")),
    (20, lambda c: c.leave_early(is_told=False)),
    (3, lambda c: c.leave_early(is_told=True)),
    (4, lambda c: c.queue("leave", stream=True)),
    (4, lambda c: c.queue("leave", stream=False)),
    (1, lambda c: c.queue("expire", stream=True)),
    (1, lambda c: c.queue("expire", stream=False)),
]
