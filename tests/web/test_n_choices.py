"""Several answers to one request, on a real server: at work at once, each its own choice, and ended together."""

import json
import subprocess
import sys
import time
from collections import Counter
from typing import Any

import httpx
import pytest

from processes import Serve, ServerProcess

LIMIT = 0.1
"""Seconds from the failure, or from the client's leaving, to the close of the other programs."""

PROGRAM = """
import asyncio
import time

from mserve import ClientError, Finish, ReasoningDelta, ToolCallDelta, ToolCallStart, Usage

count = 0
everybody = asyncio.Barrier(5)

def note(word):
    print(f"{word} {time.time()}", flush=True)

async def serve(prompt, n, stop=None, request=None, response_format=None):
    global count
    count += 1
    number = count
    if prompt == "meet":
        await everybody.wait()
        yield f"met {everybody.parties}"
    if prompt == "n":
        yield f"{n} {request.n} {request.fields.get('n')} {sorted(request.extra)}"
    if prompt == "usage":
        yield "a"
        yield Usage(3, 4, cached_tokens=1)
    if prompt == "some usage":
        yield "a"
        if number % 2:
            yield Usage(3, 4)
    if prompt == "count":
        for word in range(number % 3 + 1):
            yield f"{word} "
            await asyncio.sleep(0.01)
    if prompt == "json":
        yield '{"a": 1}' if number % 3 else "no JSON"
    if prompt.startswith("fail"):
        if prompt.endswith("late"):
            yield "a"
        try:
            await asyncio.sleep(0.3 if number % 3 == 0 else 60)
            note(f"failing {prompt}")
            raise ClientError("too many", 429)
        except asyncio.CancelledError:
            note(f"closed {prompt}")
            raise
    if prompt.startswith("hang"):
        try:
            yield "a"
            note(f"open {prompt}")
            await asyncio.sleep(60)
        finally:
            note(f"closed {prompt}")
    if prompt == "mixed":
        if number % 3 == 0:
            yield ToolCallStart("1", "f")
        elif number % 3 == 1:
            yield ReasoningDelta("why")
            yield Finish("length")
        else:
            yield "text"
"""


@pytest.fixture(scope="module")
def server(serve_module: Serve) -> ServerProcess:
    return serve_module(PROGRAM, flags=("--max-n", "6"))


@pytest.fixture
def client(server: ServerProcess) -> Any:
    with httpx.Client(base_url=server.base_url, timeout=20) as client:
        yield client


def body(prompt: str, **fields: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": prompt}], **fields}


def ask(client: httpx.Client, prompt: str, **fields: Any) -> Any:
    reply = client.post("/chat/completions", json=body(prompt, **fields))
    assert reply.status_code == 200, reply.text
    return reply.json()


def frames(client: httpx.Client, prompt: str, **fields: Any) -> list[Any]:
    """What a stream says, without its `[DONE]`."""
    reply = client.post("/chat/completions", json=body(prompt, stream=True, **fields))
    assert reply.status_code == 200, reply.text
    *said, done = [line for line in reply.text.splitlines() if line.startswith("data: ")]
    assert done == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in said]


def folded(chunks: list[Any]) -> dict[int, tuple[str, str | None]]:
    """The text and the reason of each choice, with the delta contract checked for each."""
    texts, reasons = dict[int, str](), dict[int, str | None]()
    for chunk in chunks:
        for choice in chunk["choices"]:
            number, delta = choice["index"], choice["delta"]
            assert (delta.get("role") == "assistant") == (number not in texts)
            assert reasons.get(number) is None
            texts[number] = texts.get(number, "") + delta.get("content", "")
            reasons[number] = choice["finish_reason"]
    return {number: (text, reasons[number]) for number, text in texts.items()}


def test_the_answers_are_made_at_the_same_time(client: httpx.Client) -> None:
    choices = ask(client, "meet", n=5)["choices"]
    assert [choice["index"] for choice in choices] == [0, 1, 2, 3, 4]
    assert [choice["message"]["content"] for choice in choices] == ["met 5"] * 5


def test_a_stream_of_several_answers_holds_each_of_them_whole(client: httpx.Client) -> None:
    chunks = frames(client, "meet", n=5)
    assert folded(chunks) == dict.fromkeys(range(5), ("met 5", "stop"))
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1


def test_answers_of_different_lengths_do_not_mix(client: httpx.Client) -> None:
    told = folded(frames(client, "count", n=6))
    assert sorted(text for text, _ in told.values()) == ["0 "] * 2 + ["0 1 "] * 2 + ["0 1 2 "] * 2


def test_each_run_sees_that_it_is_one(client: httpx.Client) -> None:
    for choice in ask(client, "n", n=3, mine=1)["choices"]:
        assert choice["message"]["content"] == "1 1 1 ['mine']"
    assert ask(client, "n", n=1)["choices"][0]["message"]["content"] == "1 1 1 []"
    assert ask(client, "n")["choices"][0]["message"]["content"] == "None None None []"


def test_usage_is_summed_where_every_answer_has_some(client: httpx.Client) -> None:
    usage = {"prompt_tokens": 12, "completion_tokens": 16, "total_tokens": 28}
    details = {"prompt_tokens_details": {"cached_tokens": 4}}
    assert ask(client, "usage", n=4)["usage"] == usage | details
    *_, last = frames(client, "usage", n=4, stream_options={"include_usage": True})
    assert (last["choices"], last["usage"]) == ([], usage | details)
    assert "usage" not in ask(client, "some usage", n=4)


@pytest.mark.parametrize(("n", "status"), [(6, 200), (7, 400), (129, 400), (0, 400), (-1, 400), ("2", 400), (1.5, 400)])
def test_there_is_a_limit_of_answers(client: httpx.Client, n: Any, status: int) -> None:
    reply = client.post("/chat/completions", json=body("count", n=n))
    assert reply.status_code == status
    if status == 400:
        assert reply.json()["error"]["param"] == "n"


def test_the_limit_counts_for_prompts_and_for_their_answers(client: httpx.Client) -> None:
    for prompts, n, param in ((["count"] * 6, 1, None), (["count"] * 7, 1, "prompt"), (["count"] * 4, 2, "n")):
        reply = client.post("/completions", json={"model": "m", "prompt": prompts, "n": n})
        if param is None:
            assert [choice["index"] for choice in reply.json()["choices"]] == [0, 1, 2, 3, 4, 5]
        else:
            assert (reply.status_code, reply.json()["error"]["param"]) == (400, param)


def test_prompts_are_answered_in_their_order_and_each_n_times(client: httpx.Client) -> None:
    reply = client.post("/completions", json={"prompt": ["n", "usage"], "n": 2, "echo": True}).json()
    assert [choice["text"][:5] for choice in reply["choices"]] == ["n1 1 ", "n1 1 ", "usage", "usage"]


def test_each_answer_is_stopped_where_it_says_the_word(client: httpx.Client) -> None:
    told = folded(frames(client, "count", n=6, stop="1"))
    assert Counter(told.values()) == {("0 ", "stop"): 6}


def test_each_answer_has_its_own_reason(client: httpx.Client) -> None:
    choices = ask(client, "mixed", n=3)["choices"]
    assert sorted(choice["finish_reason"] for choice in choices) == ["length", "stop", "tool_calls"]
    assert sorted(choice["message"]["content"] or "" for choice in choices) == ["", "", "text"]


@pytest.mark.parametrize("stream", [True, False])
def test_one_answer_that_is_not_the_json_asked_for_fails_the_request(client: httpx.Client, stream: bool) -> None:
    reply = client.post(
        "/chat/completions", json=body("json", n=3, stream=stream, response_format={"type": "json_object"})
    )
    assert "invalid_output" in reply.text
    assert reply.text.count('"error"') == 1
    assert (reply.status_code == 502) == (not stream)


@pytest.mark.parametrize(
    ("prompt", "stream", "status"),
    [("fail", False, 429), ("fail", True, 429), ("fail late", False, 429), ("fail late", True, 200)],
)
def test_the_first_failure_fails_the_request_and_ends_the_other_programs(
    serve: Serve, prompt: str, stream: bool, status: int
) -> None:
    server = serve(PROGRAM)
    reply = httpx.post(f"{server.base_url}/chat/completions", json=body(prompt, n=3, stream=stream), timeout=20)
    assert reply.status_code == status
    assert reply.text.count('"error"') == 1
    assert "too many" in reply.text
    assert not any(f'"finish_reason":"{reason}"' in reply.text for reason in ("stop", "length"))
    if status == 200:
        assert reply.text.endswith("data: [DONE]\n\n")
    failed = float(server.wait_for(r"failing .*? ([\d.]+)\n")[1])
    closed = server.wait_for(r"(?s)closed [a-z ]*([\d.]+)\n.*closed [a-z ]*([\d.]+)\n")
    assert max(map(float, closed.groups())) - failed < LIMIT


CLIENT = """
import sys, httpx
base_url, prompt, stream = sys.argv[1:]
body = {"messages": [{"role": "user", "content": prompt}], "stream": stream == "True", "n": 4}
with httpx.stream("POST", base_url + "/chat/completions", json=body, timeout=60) as reply:
    for line in reply.iter_lines():
        print(line, flush=True)
"""


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_ends_all_its_programs(server: ServerProcess, stream: bool) -> None:
    prompt = f"hang-{stream}"
    command = [sys.executable, "-c", CLIENT, server.base_url, prompt, str(stream)]
    client = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    server.wait_for(rf"(?s)(open {prompt} .*){{4}}", 10)
    killed = time.time()
    client.kill()
    client.wait()
    closed = server.wait_for("(?s)" + rf"closed {prompt} ([\d.]+)\n.*?" * 4)
    assert max(map(float, closed.groups())) - killed < LIMIT
    assert httpx.get(f"{server.base_url}/models").status_code == 200
