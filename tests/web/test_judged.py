"""`response_format` on a real server: never a 200 whose text is not the JSON that was asked for."""

import json
import subprocess
import sys
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from judging.hostile import HOSTILE
from processes import Serve, ServerProcess

PROGRAM = """
import asyncio
import time

import mserve
from mserve import Finish, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta, ToolCallStart, Usage

async def serve(prompt):
    kind, _, text = prompt.partition(" ")
    yield ReasoningDelta("why ")
    for start in range(0, len(text), 7):
        yield text[start:start + 7]
    if kind == "cut":
        yield Finish("length")
    if kind == "filtered":
        yield Finish("content_filter")
    if kind == "refuse":
        yield RefusalDelta("I had rather not.")
    if kind == "call":
        yield ToolCallStart("1", "f")
        yield ToolCallDelta("1", "{}")
    if kind == "finish":
        yield Finish("stop")
    yield Usage(1, 1)

@mserve.served(check_output=False)
async def unchecked(prompt):
    yield prompt

async def silent():
    return ""

async def ticks():
    for _ in range(60):
        yield f"{time.monotonic()} "
        await asyncio.sleep(0.01)
"""
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


def asked(schema: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    file = tmp_path_factory.mktemp("judged") / "judged.py"
    file.write_text(PROGRAM)
    process = ServerProcess(str(file), f"{file}:unchecked", f"{file}:silent", f"{file}:ticks")
    process.wait_until_ready()
    yield process
    process.stop()


def ask(server: ServerProcess, prompt: str, response_format: Any, **fields: Any) -> httpx.Response:
    body = {"model": "judged", "messages": [{"role": "user", "content": prompt}], "response_format": response_format}
    return httpx.post(f"{server.base_url}/chat/completions", json=body | fields, timeout=30)


def judges(server: ServerProcess) -> list[str]:
    """The processes that judge for a server."""
    found = []
    for child in Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split():
        with suppress(OSError):  # it has just ended
            if "judging" in Path(f"/proc/{child}/cmdline").read_text():
                found.append(child)
    return found


@pytest.mark.parametrize("kind", ["say", "finish"])
@pytest.mark.parametrize(
    ("response_format", "text"),
    [
        ({"type": "json_object"}, '{"b": [1, 2, 3, 4, 5, 6]}'),
        ({"type": "json_object"}, ' {"b": "\\u2028\u2028\N{GRINNING FACE}"}\n'),
        (asked(SCHEMA), '{"a": 1}'),
        (asked({"$ref": "#/$defs/t", "$defs": {"t": {"items": {"$ref": "#/$defs/t"}}}}), "[[], [[]]]"),
        ({"type": "json_schema", "json_schema": {"name": "any", "strict": True}}, "null"),
        ({"type": "text"}, "no JSON"),
        (None, "no JSON"),
    ],
)
def test_an_answer_that_fits_is_told_as_it_is(
    server: ServerProcess, response_format: Any, text: str, kind: str
) -> None:
    reply = ask(server, f"{kind} {text}", response_format)
    assert reply.status_code == 200
    assert reply.json()["choices"][0]["message"]["content"] == text


@pytest.mark.parametrize(
    ("response_format", "text", "wrong"),
    [
        ({"type": "json_object"}, "no JSON", "it is no JSON: "),
        ({"type": "json_object"}, "", "it is no JSON: "),
        ({"type": "json_object"}, '```json\n{"a": 1}\n```', "it is no JSON: "),
        ({"type": "json_object"}, "[1]", 'the value is not of type "object"'),
        (asked(SCHEMA), '{"a": "5ecret"}', 'at a: the value is not of type "integer"'),
        (asked(SCHEMA), '{"b": "5ecret"}', '"a" is a required property'),
        (asked({"unevaluatedProperties": False}), '{"b": "5ecret"}', "'b' was unexpected"),
    ],
)
def test_an_answer_that_does_not_is_a_502_that_says_why(
    server: ServerProcess, response_format: Any, text: str, wrong: str
) -> None:
    reply = ask(server, f"say {text}", response_format)
    assert reply.status_code == 502
    assert reply.headers["x-should-retry"] == "false"
    error = reply.json()["error"]
    assert (error["type"], error["param"], error["code"]) == ("server_error", None, "invalid_output")
    assert error["message"].startswith("The program's answer is not the JSON that was asked for: ")
    assert wrong in error["message"]
    assert "5ecret" not in reply.text
    server.wait_for(r"program judged: The program's answer is not")


def test_a_stream_that_does_not_fit_ends_with_an_error_and_no_reason(server: ServerProcess) -> None:
    reply = ask(server, 'say {"a": "b"}', asked(SCHEMA), stream=True)
    assert reply.status_code == 200
    *frames, error, done = reply.text.removesuffix("\n\n").split("\n\n")
    assert done == "data: [DONE]"
    assert json.loads(error.removeprefix("data: "))["error"]["code"] == "invalid_output"
    assert any('"content":"{' in frame for frame in frames)
    assert not any('"finish_reason":"' in frame for frame in frames)


@pytest.mark.parametrize("stream", [True, False])
def test_no_word_at_all_does_not_fit_and_has_its_true_status(server: ServerProcess, stream: bool) -> None:
    reply = ask(server, "x", {"type": "json_object"}, model="silent", stream=stream)
    assert (reply.status_code, reply.json()["error"]["code"]) == (502, "invalid_output")


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("kind", "reason"),
    [("cut", "length"), ("filtered", "content_filter"), ("call", "tool_calls"), ("refuse", "stop")],
)
def test_what_is_no_answer_is_not_judged(server: ServerProcess, kind: str, reason: str, stream: bool) -> None:
    reply = ask(server, f'{kind} {{"a":', asked(SCHEMA), stream=stream)
    assert reply.status_code == 200
    assert f'"finish_reason":"{reason}"' in reply.text
    assert '"error"' not in reply.text


@pytest.mark.parametrize(
    "schema",
    [{"type": "strnig"}, {"$ref": "#/nowhere"}, {"$ref": "http://127.0.0.1:9/"}, {"items": 5}, {"pattern": "("}],
)
@pytest.mark.parametrize("model", ["judged", "unchecked"])
def test_a_schema_that_is_none_is_a_400_before_any_program_runs(server: ServerProcess, schema: Any, model: str) -> None:
    for stream in (True, False):
        reply = ask(server, "say {}", asked(schema), stream=stream, model=model)
        assert reply.status_code == 400
        assert reply.json()["error"]["param"] == "response_format.json_schema.schema"
        assert "this is no valid JSON schema" in reply.json()["error"]["message"]


def test_a_program_may_be_its_own_judge(server: ServerProcess) -> None:
    reply = ask(server, "no JSON", {"type": "json_object"}, model="unchecked")
    assert (reply.status_code, reply.json()["choices"][0]["message"]["content"]) == (200, "no JSON")


def test_a_stream_flows_on_while_another_answer_is_judged(server: ServerProcess) -> None:
    schema, answer = HOSTILE["doubling"]
    body = {"model": "judged", "messages": [{"role": "user", "content": f"say {answer}"}]}
    slow = json.dumps(body | {"response_format": asked(schema)})
    command = ["curl", "-s", f"{server.base_url}/chat/completions", "-H", "Content-Type: application/json", "-d", slow]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        until = time.monotonic() + 10
        while not judges(server):
            assert time.monotonic() < until
        reply = ask(server, "", None, model="ticks")
        assert judges(server)
        times = [float(word) for word in reply.json()["choices"][0]["message"]["content"].split()]
        assert max(later - earlier for earlier, later in pairwise(times)) < 0.5
        out, _ = other.communicate(timeout=20)
    assert "could not be compared with the schema that was asked for, in time" in out
    assert judges(server) == []


CLIENT = """
import sys, httpx
httpx.post(sys.argv[1] + "/chat/completions", content=sys.argv[2], headers={"content-type": "application/json"})
"""


def test_a_client_that_leaves_ends_the_judge_of_its_answer(server: ServerProcess) -> None:
    schema, answer = HOSTILE["allOf, and it fits"]
    body = {"model": "judged", "messages": [{"role": "user", "content": f"say {answer}"}]}
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT, server.base_url, json.dumps(body | {"response_format": asked(schema)})]
    )
    until = time.monotonic() + 10
    while not judges(server):
        assert time.monotonic() < until
    client.kill()
    client.wait()
    left = time.monotonic()
    while judges(server):
        assert time.monotonic() - left < 1
    assert ask(server, "say {}", {"type": "json_object"}).status_code == 200


def test_a_server_that_ends_takes_its_judges_with_it(serve: Serve) -> None:
    server = serve(PROGRAM, flags=("--shutdown-timeout", "0"))
    schema, answer = HOSTILE["doubling"]
    body = {"messages": [{"role": "user", "content": f"say {answer}"}], "response_format": asked(schema)}
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT, server.base_url, json.dumps(body)], stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + 10
    while not (sitting := judges(server)):
        assert time.monotonic() < until
    assert server.stop() == 0
    assert not any(Path(f"/proc/{judge}").exists() for judge in sitting)
    client.wait()
