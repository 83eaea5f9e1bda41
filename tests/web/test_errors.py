"""Bad requests and bad programs, each against a real server: what the client is told, and what it is not."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from processes import Serve

MESSAGES = [{"role": "user", "content": "echo hello"}]
BODY = {"model": "m", "messages": MESSAGES}


def error_of(reply: httpx.Response) -> dict[str, Any]:
    assert reply.headers["content-type"] == "application/json"
    body = reply.json()
    assert list(body) == ["error"]
    assert sorted(body["error"]) == ["code", "message", "param", "type"]
    error: dict[str, Any] = body["error"]
    return error


def ask(client: httpx.Client, prompt: str, **fields: Any) -> httpx.Response:
    return client.post("/chat/completions", json={"messages": [{"role": "user", "content": prompt}], **fields})


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{not json", None),
        (b"\xff", None),
        (b"[1]", None),
        (b"[" * 50_000, None),
        (b'{"model": "m"}', "messages"),
        (b'{"model": "m", "messages": []}', "messages"),
        (b'{"model": "m", "messages": "hi"}', "messages"),
        (b'{"model": 7, "messages": [{"role": "user"}]}', "model"),
        (b'{"messages": [{"role": "user", "content": "x"}], "temperature": "hot"}', "temperature"),
        (b'{"messages": [{"role": "user", "content": "x"}], "stream_options": {"x": 1}}', "stream_options.x"),
        (b'{"messages": [{"role": "user", "content": "x"}], "n": 0}', "n"),
        (b'{"messages": [{"role": "user", "content": "x"}], "n": 17}', "n"),
    ],
)
def test_a_bad_request_is_a_400_that_names_the_parameter(client: httpx.Client, body: bytes, param: str | None) -> None:
    reply = client.post("/chat/completions", content=body, headers={"content-type": "application/json"})
    assert reply.status_code == 400
    error = error_of(reply)
    assert (error["type"], error["param"]) == ("invalid_request_error", param)


def test_a_body_that_is_not_declared_json_is_a_415(client: httpx.Client) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        reply = client.post("/chat/completions", content=json.dumps(BODY), headers={"content-type": kind})
        assert reply.status_code == 415
        assert error_of(reply)["code"] == "unsupported_media_type"


def test_parameters_of_the_content_type_are_allowed(client: httpx.Client) -> None:
    headers = {"content-type": "Application/JSON; charset=utf-8"}
    assert client.post("/chat/completions", content=json.dumps(BODY), headers=headers).status_code == 200


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_over_the_limit_is_a_413(client: httpx.Client, declared: bool) -> None:
    def pieces() -> Any:
        for _ in range(200):
            yield b" " * 1000

    body = b" " * 200_000 if declared else pieces()
    reply = client.post("/chat/completions", content=body, headers={"content-type": "application/json"})
    assert reply.status_code == 413
    assert error_of(reply)["code"] == "request_too_large"


def test_a_body_at_the_limit_is_read(client: httpx.Client) -> None:
    body = json.dumps(BODY).encode()
    body += b" " * (100_000 - len(body))
    headers = {"content-type": "application/json"}
    assert client.post("/chat/completions", content=body, headers=headers).status_code == 200


@pytest.mark.parametrize("stream", [True, False])
def test_a_program_that_raises_before_its_first_word_is_a_500_without_its_text(
    client: httpx.Client, stream: bool
) -> None:
    reply = ask(client, "fail", stream=stream)
    assert reply.status_code == 500
    error = error_of(reply)
    assert (error["type"], error["code"]) == ("server_error", "program_error")
    assert reply.headers["x-should-retry"] == "false"
    assert "secret" not in reply.text


@pytest.mark.parametrize("stream", [True, False])
def test_usage_alone_is_no_word_yet(client: httpx.Client, stream: bool) -> None:
    assert ask(client, "fail-after-usage", stream=stream).status_code == 500


def test_a_client_error_that_cannot_be_sent_as_it_is_is_made_text(client: httpx.Client) -> None:
    error = error_of(ask(client, "half"))
    assert (error["message"], error["code"], error["param"]) == ("half ?", "7", "a?")


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_error_reaches_the_client_as_it_is(client: httpx.Client, stream: bool) -> None:
    reply = ask(client, "refuse", stream=stream)
    assert reply.status_code == 429
    expected = {"message": "too much of it", "type": "rate_limit_error", "param": "messages", "code": "too_much"}
    assert error_of(reply) == expected
    assert int(reply.headers["retry-after"]) > 0


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("prompt", ["wrong", "tuple"])
def test_a_wrong_type_is_the_programs_error(client: httpx.Client, prompt: str, stream: bool) -> None:
    assert ask(client, prompt, stream=stream).status_code == 500


def test_the_grace_begins_when_the_request_is_whole(client: httpx.Client) -> None:
    def slowly() -> Iterator[bytes]:
        yield b'{"stream": true, "messages": [{"role": "user",'
        time.sleep(0.5)
        yield b'"content": "fail"}]}'

    headers = {"content-type": "application/json"}
    assert client.post("/chat/completions", content=slowly(), headers=headers).status_code == 500


def test_a_program_that_raises_late_fails_a_whole_reply_as_a_whole(client: httpx.Client) -> None:
    assert ask(client, "fail-late").status_code == 500
    assert ask(client, "fail-after-grace").status_code == 500


def test_a_program_without_a_word_is_an_empty_reply(client: httpx.Client) -> None:
    choice = ask(client, "nothing").json()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("", "stop")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/v1/chat/completions/", "write /v1/chat/completions, without the slash"),
        ("/v1/models/", "write /v1/models, without the slash"),
        ("/chat/completions", "write /v1/chat/completions. A client's base URL ends with /v1."),
        ("/models/", "write /v1/models. A client's base URL ends with /v1."),
        ("/v2/chat", "Clients post to /v1/chat/completions"),
    ],
)
def test_a_path_that_is_nearly_right_is_told_the_right_one(client: httpx.Client, path: str, told: str) -> None:
    address = str(client.base_url).removesuffix("/v1/")
    reply = httpx.post(f"{address}{path}", json=BODY) if "chat" in path else httpx.get(f"{address}{path}")
    assert reply.status_code == 404
    assert told in error_of(reply)["message"]


def test_with_strict_model_a_single_program_answers_to_its_own_name_alone(serve: Serve) -> None:
    server = serve("def serve():\n    return 'a'\n", flags=("--name", "mine", "--strict-model"))
    for model, status in (("mine", 200), ("gpt-4o", 404), (None, 200)):
        fields = {"model": model} if model else {}
        reply = httpx.post(f"{server.base_url}/chat/completions", json={"messages": MESSAGES, **fields})
        assert reply.status_code == status
    assert httpx.get(f"{server.base_url}/models/gpt-4o").status_code == 404


def test_an_unknown_path_and_a_wrong_method_are_told_in_openais_shape(client: httpx.Client) -> None:
    assert error_of(client.get("/nowhere"))["code"] == "not_found"
    wrong = client.get("/chat/completions")
    assert wrong.status_code == 405
    assert wrong.headers["allow"] == "POST, OPTIONS"
    assert error_of(wrong)["code"] == "method_not_allowed"


def test_a_reply_is_one_whole_body(client: httpx.Client) -> None:
    reply = ask(client, "usage").json()
    assert reply["choices"][0]["message"] == {"role": "assistant", "content": "a", "refusal": None}
    assert reply["usage"] == {"prompt_tokens": 4, "completion_tokens": 5, "total_tokens": 9}


def test_a_request_without_a_model_is_answered_in_the_programs_name(client: httpx.Client) -> None:
    assert ask(client, "echo x").json()["model"] == "modes"


def test_a_single_program_answers_to_every_name_and_echoes_it(client: httpx.Client) -> None:
    assert ask(client, "echo x", model="gpt-4o").json()["model"] == "gpt-4o"
    assert client.get("/models/gpt/4o").json()["id"] == "gpt/4o"
    assert [entry["id"] for entry in client.get("/models").json()["data"]] == ["modes"]


def test_every_field_of_the_client_reaches_the_program(client: httpx.Client) -> None:
    reply = ask(client, "fields", seed=1, stop=None, mine={"a": 1}).json()
    assert reply["choices"][0]["message"]["content"] == "['seed']{'mine': {'a': 1}}"


@pytest.mark.parametrize("fields", [{"logprobs": True}, {"modalities": ["text", "audio"]}])
def test_another_shape_of_the_reply_is_refused_where_the_program_cannot_know(serve: Serve, fields: Any) -> None:
    server = serve("async def serve(prompt):\n    yield prompt\n")
    reply = httpx.post(f"{server.base_url}/chat/completions", json={"messages": MESSAGES, **fields})
    assert reply.status_code == 400
    assert error_of(reply)["param"] == next(iter(fields))


def test_two_programs_are_chosen_by_the_model(serve: Serve) -> None:
    one, two = "def serve():\n    return 'one'\n", "def serve():\n    return 'two'\n"
    server = serve(one, two, flags=("--name", "a", "--name", "b"))
    with httpx.Client(base_url=server.base_url) as client:
        for model, text in (("a", "one"), ("b", "two")):
            reply = client.post("/chat/completions", json={"model": model, "messages": MESSAGES})
            assert reply.json()["choices"][0]["message"]["content"] == text
        unknown = client.post("/chat/completions", json={"model": "c", "messages": MESSAGES})
        assert unknown.status_code == client.get("/models/c").status_code == 404
        assert error_of(unknown)["code"] == "model_not_found"
        assert error_of(client.get("/models/c"))["code"] == "model_not_found"
        missing = client.post("/chat/completions", json={"messages": MESSAGES})
        assert missing.status_code == 400
        assert error_of(missing)["param"] == "model"


def test_health_answers_get_and_head(client: httpx.Client) -> None:
    address = str(client.base_url).removesuffix("/v1/")
    assert httpx.get(f"{address}/health").json() == {"status": "ok"}
    head = httpx.head(f"{address}/health")
    assert (head.status_code, head.content) == (200, b"")
