"""Requests that are sent again: the program runs once, and each of them gets its answer from the start."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

import mserve
from mserve.options import Limits, Options
from web.kept.asking import (
    LIMIT,
    Notes,
    Server,
    asked,
    chat,
    data_of,
    ended,
    followed,
    hang_up,
    make,
    read_until,
    refused,
    streaming,
    told,
    until,
)

KINDS = [("/responses", False), ("/responses", True), ("/chat/completions", False), ("/chat/completions", True)]


def body_of(path: str, prompt: str, **more: Any) -> dict[str, Any]:
    return (asked if path == "/responses" else chat)(prompt, **more)


def keyed(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


@pytest.mark.parametrize(("path", "stream"), KINDS)
def test_the_same_request_again_gets_the_same_answer_to_the_byte(
    here: httpx.Client, there: httpx.Client, path: str, *, stream: bool
) -> None:
    prompt = f"numbered {path} {stream}"
    body = body_of(path, prompt, stream=stream)
    first, *others = [client.post(path, json=body, headers=keyed(prompt)) for client in (here, here, there, there)]
    assert first.status_code == 200
    assert "number 1" in first.text
    for other in others:
        assert (other.status_code, other.content) == (200, first.content)
        assert other.headers.get("x-mserve-response-id") == first.headers.get("x-mserve-response-id")
        assert other.headers["content-type"] == first.headers["content-type"]
    assert refused(here.post(path, json=body | {"user": "x"}, headers=keyed(prompt)), 409, "Idempotency-Key") == (
        "idempotency_key_reused"
    )
    assert here.post(path, json=body).text != first.text


@pytest.mark.parametrize(("path", "stream"), KINDS)
def test_the_same_request_attaches_to_a_run_that_goes_on(
    here: httpx.Client, there: httpx.Client, notes: Notes, path: str, *, stream: bool
) -> None:
    gate = f"again-{path[1:5]}-{stream}"
    body = body_of(path, f"gate {gate}", stream=stream)

    def post(client: httpx.Client) -> httpx.Response:
        return client.post(path, json=body, headers=keyed(gate))

    with ThreadPoolExecutor() as threads:
        first = threads.submit(post, here)
        notes.wait_for("begun", f"gate {gate}")
        others = [threads.submit(post, client) for client in (here, there, there)]
        notes.open(gate)
        answers = [one.result() for one in (first, *others)]
    assert notes.noted("begun", f"gate {gate}") == 1
    assert {answer.status_code for answer in answers} == {200}
    bodies = {answer.content.replace(b": ping\n\n", b"") for answer in answers}
    assert len(bodies) == 1


def test_a_path_of_its_own_makes_it_another_request(here: httpx.Client) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "say it"}], "input": "say it", "prompt": "say it"}
    assert here.post("/chat/completions", json=body, headers=keyed("path")).status_code == 200
    refused(here.post("/responses", json=body, headers=keyed("path")), 409, "Idempotency-Key")
    refused(here.post("/completions", json=body, headers=keyed("path")), 409, "Idempotency-Key")


def test_a_completion_is_sent_again_too(here: httpx.Client, there: httpx.Client) -> None:
    body = {"model": "m", "prompt": ["numbered old", "say it"], "n": 2}
    first, again = (client.post("/completions", json=body, headers=keyed("old")) for client in (here, there))
    assert (first.status_code, first.content) == (200, again.content)
    assert len(first.json()["choices"]) == 4


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("prompt", "status"), [("fail", 500), ("refuse", 429), ("fail-late", 500)])
def test_a_failure_is_the_answer_too(
    here: httpx.Client, there: httpx.Client, prompt: str, status: int, *, stream: bool
) -> None:
    body = chat(prompt, stream=stream)
    first, again = (
        client.post("/chat/completions", json=body, headers=keyed(f"{prompt} {stream}")) for client in (here, there)
    )
    assert first.status_code == (200 if stream and prompt == "fail-late" else status)
    assert (first.status_code, first.content) == (again.status_code, again.content)
    for name in ("retry-after", "x-should-retry", "x-mserve-response-id"):
        assert first.headers.get(name) == again.headers.get(name)


def test_what_is_sent_again_is_found_before_the_limits_and_what_is_refused_frees_its_key(tmp_path: Path) -> None:
    notes = Notes(tmp_path)
    with Server(tmp_path, "--max-runs", "1", "--max-queue", "0") as server, ThreadPoolExecutor() as threads:
        client = server.client

        def post(prompt: str) -> httpx.Response:
            return client.post("/chat/completions", json=chat(prompt), headers=keyed(prompt))

        first = threads.submit(post, "gate full")
        notes.wait_for("begun", "gate full")
        assert refused(post("say more"), 429) == "overloaded"
        again = threads.submit(post, "gate full")
        until(lambda: "mserve_runs_active 1.0" in metrics_of(server))
        assert refused(post("say more"), 429) == "overloaded"
        notes.open("full")
        assert first.result().content == again.result().content
        assert told(post("say more"))["choices"][0]["message"]["content"] == "more"
        assert notes.noted("begun", "say more") == 1


def metrics_of(server: Server) -> str:
    return httpx.get(server.base_url.removesuffix("/v1") + "/metrics").text


async def test_who_attaches_to_a_request_that_is_refused_may_try_again(tmp_path: Path) -> None:
    begun, end = asyncio.Event(), asyncio.Event()

    async def program() -> str:
        begun.set()
        await end.wait()
        return "it"

    options = Options(store=f"sqlite:///{tmp_path}/runs.db", limits=Limits(runs=1, queue=0))
    app = mserve.create_app(program, options=options)
    host = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=host, base_url="http://host/v1", timeout=LIMIT) as client:

        async def post(key: str) -> httpx.Response:
            return await client.post("/chat/completions", json=chat("x"), headers=keyed(key))

        first = asyncio.create_task(post("first"))
        await begun.wait()
        answers = await asyncio.gather(*(post("other") for _ in range(20)))
        assert {answer.status_code for answer in answers} <= {429, 503}
        assert {answer.headers["retry-after"] for answer in answers} == {"1"}
        assert {answer.json()["error"]["code"] for answer in answers} == {"overloaded"}
        end.set()
        told(await first)
        told(await post("other"))
    await app.close()


@pytest.mark.parametrize("policy", ["", "cancel", "finish"])
def test_a_client_that_leaves_ends_no_run_unless_it_said_so(here: httpx.Client, notes: Notes, policy: str) -> None:
    gate = f"leaves-{policy}"
    prompt, more = f"gate {gate}", {"X_Mserve_On_Disconnect": policy} if policy else {}
    body = chat(prompt)
    hang_up(
        here, "/chat/completions", body, after=lambda: notes.wait_for("begun", prompt), Idempotency_Key=gate, **more
    )
    if policy == "cancel":
        notes.wait_for("cancelled", prompt)
        expected = 503
    else:
        notes.open(gate)
        notes.wait_for("ended", prompt)
        expected = 200
    again = here.post("/chat/completions", json=body, headers=keyed(gate))
    assert again.status_code == expected
    assert notes.noted("begun", prompt) == 1


def test_a_stream_that_broke_off_is_sent_again_from_its_start(
    here: httpx.Client, there: httpx.Client, notes: Notes
) -> None:
    body = asked("gate broken", stream=True)
    with streaming(here, "POST", "/responses", json=body, headers=keyed("broken")) as pieces:
        seen = read_until(pieces, "before ")
    notes.open("broken")
    again = there.post("/responses", json=body, headers=keyed("broken")).text.replace(": ping\n\n", "")
    assert again.startswith(seen.replace(": ping\n\n", ""))
    assert notes.noted("begun", "gate broken") == 1
    name = data_of(again.split("\n\n")[0])["response"]["id"]
    assert "".join(f"{frame}\n\n" for frame in followed(here, name)) == again


def test_in_the_background_it_is_one_run_too(here: httpx.Client, there: httpx.Client, notes: Notes) -> None:
    body = asked("wait background", background=True)
    first, again = (told(client.post("/responses", json=body, headers=keyed("b"))) for client in (here, there))
    assert first == again
    assert notes.noted("begun", "wait background") <= 1
    notes.open("background")
    assert ended(there, first["id"])["status"] == "completed"


def test_what_is_not_to_be_stored_is_kept_for_who_sends_it_again(here: httpx.Client, there: httpx.Client) -> None:
    body = asked("numbered unstored", store=False)
    first, again = (told(client.post("/responses", json=body, headers=keyed("unstored"))) for client in (here, there))
    assert first == again


def test_a_deleted_answer_frees_its_key(here: httpx.Client) -> None:
    first, other = (make_keyed(here, "numbered deleted", "deleted") for _ in range(2))
    assert first == other
    told(here.delete(f"/responses/{first['id']}"))
    assert make_keyed(here, "numbered deleted", "deleted")["id"] != first["id"]


def make_keyed(client: httpx.Client, prompt: str, key: str) -> dict[str, Any]:
    return told(client.post("/responses", json=asked(prompt), headers=keyed(key)))


def test_what_it_goes_on_from_may_be_gone_by_then(here: httpx.Client) -> None:
    before = make(here, "say it")
    body = asked("numbered past", previous_response_id=before["id"])
    first = told(here.post("/responses", json=body, headers=keyed("past")))
    told(here.delete(f"/responses/{before['id']}"))
    assert told(here.post("/responses", json=body, headers=keyed("past"))) == first
    refused(here.post("/responses", json=body, headers=keyed("other past")), 400, "previous_response_id")
    refused(here.post("/responses", json=body, headers=keyed("other past")), 400, "previous_response_id")


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "\N{SNOWMAN}"])
def test_what_is_no_key_is_refused(here: httpx.Client, key: str) -> None:
    headers = {b"Content-Type": b"application/json", b"Idempotency-Key": key.encode()}
    answer = here.post("/responses", content=json.dumps(asked("x")), headers=headers)
    refused(answer, 400, "Idempotency-Key")


@pytest.mark.parametrize("key", ["x" * 255, "a key: with & signs"])
def test_other_text_is_a_key(here: httpx.Client, key: str) -> None:
    assert here.post("/responses", json=asked("say it"), headers=keyed(key)).status_code == 200
