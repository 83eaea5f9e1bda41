"""What a chat makes of servers: of real ones, and of what real ones should never say."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

import msgspec
import pytest
import trustme

from mserve.cli.chat.api import Api, address
from mserve.cli.chat.chunks import Chunk
from mserve.cli.chat.command import chat
from mserve.cli.chat.refusals import ApiError
from mserve.cli.chat.reply import Call, Reply, Text, Thought
from mserve.errors import MserveError
from processes import Serve

ECHO = "def serve(prompt):\n    return prompt\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n"
ASKED = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


@contextmanager
def server(*answers: bytes) -> Iterator[str]:
    """One that gives these bytes, a connection each, whatever it is asked."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)

        def serve() -> None:
            for answer in answers:
                connection, _ = listener.accept()
                with connection:
                    while b"\r\n\r\n" not in connection.recv(65536):
                        pass
                    connection.sendall(answer)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65536):  # else the rest of a request would break the answer off
                        pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def whole(status: str, body: str, *headers: str) -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body.encode())}", "Connection: close", *headers])
    return f"{head}\r\n\r\n{body}".encode()


def models_of(url: str, key: str | None = None) -> list[str]:
    async def asked() -> list[str]:
        api = Api(url, key)
        try:
            return await api.models()
        finally:
            await api.close()

    return asyncio.run(asked())


def answer_of(url: str, reply: Reply) -> None:
    async def asked() -> None:
        api = Api(url, None)
        try:
            async with aclosing(api.answer(ASKED)) as chunks:
                async for chunk in chunks:
                    list(reply.take(chunk))
        finally:
            await api.close()

    asyncio.run(asked())


def refusal(url: str) -> str:
    """The words of an answer that fails."""
    with pytest.raises(ApiError) as told:
        answer_of(url, Reply())
    return str(told.value)


@pytest.mark.parametrize(
    ("target", "url"),
    [("http://a/v1", "http://a/v1"), ("localhost:8000", "http://localhost:8000"), ("a.py", None), ("a.py:serve", None),
     ("a.b:serve", None), ("10.0.0.1:80/v1", "http://10.0.0.1:80/v1")],
)  # fmt: skip
def test_a_url_is_told_from_a_program(target: str, url: str | None) -> None:
    assert address(target) == url


@pytest.mark.parametrize("url", ["ftp://a", "http://", "http://a:b", "http://a:99999", "http://xn--", "http://a\x1b"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(MserveError) as told:
        Api(url, None)
    assert "\x1b" not in str(told.value)


def test_a_password_in_the_url_is_not_shown() -> None:
    assert Api("http://alice:secret@a.example/v1", None).shown == "http://a.example/v1"


def test_the_list_of_models_is_found_with_and_without_a_version() -> None:
    models = whole("200 OK", '{"data": [{"id": "one"}, {"id": "two"}], "more": 1}')
    missing = whole("404 Not Found", "")
    with server(models) as url:
        assert models_of(f"{url}/v1/") == ["one", "two"]
    with server(missing, models) as url:
        assert models_of(f"{url}/api") == ["one", "two"]
    with server(missing, missing) as url:
        assert models_of(url) == []


def test_where_there_is_no_list_a_name_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    missing = whole("404 Not Found", "")
    with server(missing) as url, pytest.raises(SystemExit) as told:
        chat(f"{url}/v1", once="hi")
    assert told.value.code == 1
    assert "the server has no list of models: say which by --model" in capsys.readouterr().err


@pytest.mark.parametrize(
    "answer",
    [whole("200 OK", "<html>"), whole("200 OK", "[]"), whole("200 OK", "[" * 100_000), whole("200 OK", '{"data": [1]}'),
     whole("200 OK", "no gzip at all", "Content-Encoding: gzip")],
)  # fmt: skip
def test_what_speaks_something_else_is_told(answer: bytes) -> None:
    with server(answer) as url, pytest.raises(ApiError, match=r"does not speak OpenAI's API"):
        models_of(f"{url}/v1")


@pytest.mark.parametrize(
    ("status", "body", "headers", "told"),
    [
        ("403 Forbidden", '{"error": {"message": "Not here."}}', (), "Not here. (403)"),
        ("404 Not Found", '{"error": {"message": "no model\\u001b[2J"}}', (), "no model\ufffd[2J (404)"),
        ("429 Too Many Requests", '{"error": "later"}', ("Retry-After: 7",), "later (429; try again in 7 s)"),
        ("429 Too Many Requests", "{}", ("Retry-After: Mon\x1b",), "Too Many Requests (429)"),
        ("500 Oh", '{"error": {"code": 1}}', (), '{"code": 1} (500)'),
        ("500 Oh", '{"error": null}', (), "null (500)"),
        ("502 ", "[" * 100_000, (), "the server said no more (502)"),
        ("302 Found", "", ("Location: http://a.example",), "Found (302)"),
    ],
)
def test_a_refusal_is_told_in_the_servers_words(status: str, body: str, headers: tuple[str, ...], told: str) -> None:
    with server(whole(status, body, *headers)) as url:
        assert told == refusal(url)


@pytest.mark.parametrize(
    ("body", "key", "told"),
    [
        ('{"error": {"message": "By a header.", "code": "invalid_api_key"}}', None, "the server wants an API key"),
        ('{"error": {"message": "Who?"}}', None, "the server wants an API key (401): say --api-key, or set "),
        ('{"error": {"message": "By a header.", "code": "invalid_api_key"}}', "k", "not know the key (401)"),
        ("<html>", "k", "the server does not know the key (401): it is that of --api-key, else of MSERVE_API_KEY or "),
        ('{"error": {"message": "Join first.", "code": "no_member"}}', "k", "Join first. (401)"),
        ('{"error": "Join first."}', "k", "Join first. (401)"),
    ],
)
def test_of_a_key_that_is_missing_or_wrong_one_thing_is_said(body: str, key: str | None, told: str) -> None:
    with server(whole("401 Unauthorized", body)) as url, pytest.raises(ApiError) as refused:
        models_of(f"{url}/v1", key)
    assert told in str(refused.value)
    assert "header" not in str(refused.value)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"", "broke off"),
        (b"HTTP", "broke off"),
        (OK + b"Content-Length: 99\r\n\r\ndata: {}\n\n", "broke off"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nab", "broke off"),
        (OK + b'\r\ndata: {"choices": [{"delta": {"content": "half"}}]}\n\n', "the answer broke off before its end"),
        (OK + b"\r\n", "the answer broke off before its end"),
        (OK + b"\r\ndata: nonsense\n\n", "said what is no part of an answer"),
        (OK + b'\r\ndata: {"choices": 1}\n\n', "said what is no part of an answer"),
        (OK + b"\r\ndata: " + b"[" * 100_000 + b"\n\n", "said what is no part of an answer"),
        (OK + b'\r\ndata: {"error": {"message": "gone\\u001b"}}\n\n', "gone\ufffd"),
        (whole("200 OK", "{}", "Content-Type: application/json"), "did not stream its answer"),
    ],
)
def test_an_answer_that_goes_wrong_is_told(answer: bytes, told: str) -> None:
    with server(answer) as url:
        assert told in refusal(url)


def test_nobody_and_nobody_to_be_trusted_are_told(serve: Serve, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert refusal(f"http://u:p@127.0.0.1:{port}") == f"nobody answers at http://127.0.0.1:{port}"
    certificate = trustme.CA().issue_cert("127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "pem"))
    tls = serve(ECHO, flags=("--ssl-certfile", str(tmp_path / "pem")))
    assert "cannot be trusted, or speaks no TLS: CERTIFICATE_VERIFY_FAILED" in refusal(tls.base_url)
    assert "broke off" in refusal(tls.base_url.replace("https", "http"))
    plain = serve(ECHO)
    assert "cannot be trusted, or speaks no TLS: " in refusal(plain.base_url.replace("http", "https"))


@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "socks5://127.0.0.1:9", "nothing://x"])
def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    serve: Serve, name: str, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, proxy)
    assert models_of(serve(ECHO, flags=("--name", "p")).base_url) == ["p"]


def test_a_proxy_of_the_environment_is_asked_for_others_or_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    with server(whole("200 OK", '{"data": [{"id": "by the proxy"}]}')) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy)
        assert models_of("http://box.invalid/v1") == ["by the proxy"]
    monkeypatch.setenv("HTTP_PROXY", "nothing://x")
    with pytest.raises(MserveError, match="the proxy that the environment names cannot be used: "):
        Api("http://box.invalid", None)


def test_a_model_that_a_server_does_not_have_is_told(serve: Serve) -> None:
    assert "(404)" in refusal(serve(ECHO, ECHO).base_url)


def test_an_answer_needs_no_usage_and_no_last_word_and_may_come_in_half_characters() -> None:
    deltas = [
        '{"content": "a\\ud83d"}',
        '{"content": "\\ude00\\ud83d"}',
        '{"refusal": "no"}',
        '{"reasoning": "hm"}',
        "{}",
    ]
    chunks = [f'data: {{"choices": [{{"delta": {delta}}}]}}\n\n' for delta in deltas]
    reply = Reply()
    with server(
        OK
        + "\r\n: ping\n\n{}data: {}\n\n".format("".join(chunks), '{"choices": [{"finish_reason": "length"}]}').encode()
    ) as url:
        answer_of(url, reply)
    assert reply.message([]) == {"role": "assistant", "content": "a\U0001f600\ufffdno"}
    assert reply.figures().endswith(" s, 4 tokens, length")


def chunk(**delta: object) -> Chunk:
    return msgspec.convert({"choices": [{"delta": delta}]}, Chunk)


def test_calls_are_folded_by_their_place() -> None:
    reply = Reply()
    parts = [
        {"index": 0, "id": "a", "function": {"name": "one", "arguments": ""}},
        {"index": 1, "function": {"name": "two"}},
        {"index": 0, "function": {"arguments": "{}"}},
    ]
    pieces = [piece for part in parts for piece in reply.take(chunk(tool_calls=[part]))]
    assert pieces == [Call("a", "one", "{}"), Call("call_1", "two"), Call("a", "one", "{}")]
    assert reply.whole_calls() == []  # it has not ended
    assert [*reply.take(chunk(reasoning_content="x", reasoning="x", content="y"))] == [Thought("x"), Text("y")]
    assert reply.message([]) == {"role": "assistant", "content": "y"}
    assert Reply().message([]) is None
    reply.finish = "tool_calls"
    assert [call.name for call in reply.whole_calls()] == ["one", "two"]
    reply.was_stopped = True
    assert reply.whole_calls() == []
