"""The id of a request: taken or made, on every answer, in the program's hands and in the log."""

import json
import re
import subprocess
import sys

import httpx
import pytest

from processes import Serve, ServerProcess
from web.outcomes import PROGRAM, body_of

MADE = re.compile(r"[0-9a-f]{32}")
POST = ("POST", "/v1/chat/completions")


@pytest.fixture(scope="module")
def server(serve_module: Serve) -> ServerProcess:
    return serve_module(PROGRAM, flags=("--max-body", "1000", "--log-format", "json"))


def ask(
    server: ServerProcess, to: tuple[str, str], sent: bytes | None, body: bytes, kind: str = "json"
) -> httpx.Response:
    method, path = to
    headers = [(b"content-type", b"application/" + kind.encode())]
    if sent is not None:
        headers.append((b"x-request-id", sent))
    url = server.base_url.removesuffix("/v1") + path
    return httpx.request(method, url, content=body, headers=headers, timeout=10, verify=False)  # it has no TLS to load


WHOLE = json.dumps(body_of("hi")).encode()
STREAM = json.dumps(body_of("hi", stream=True)).encode()
FAIL = json.dumps(body_of("fail")).encode()
ANSWERS = [
    (200, POST, WHOLE, "json"), (200, POST, STREAM, "json"), (500, POST, FAIL, "json"), (400, POST, b"{", "json"),
    (413, POST, b" " * 1001, "json"), (415, POST, WHOLE, "xml"), (405, ("PUT", "/v1/models"), b"", "json"),
    (404, ("GET", "/nowhere"), b"", "json"), (200, ("GET", "/v1/models"), b"", "json"),
    (200, ("HEAD", "/health"), b"", "json"), (204, ("OPTIONS", "/v1/models"), b"", "json"),
    (200, ("GET", "/metrics"), b"", "json"), (200, ("GET", "/docs"), b"", "json"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "to", "body", "kind"), ANSWERS)
def test_every_answer_has_one(server: ServerProcess, status: int, to: tuple[str, str], body: bytes, kind: str) -> None:
    taken = ask(server, to, b"mine-1", body, kind)
    made = [ask(server, to, None, body, kind).headers["x-request-id"] for _ in range(2)]
    assert (taken.status_code, taken.headers.get_list("x-request-id")) == (status, ["mine-1"])
    assert all(MADE.fullmatch(one) for one in made)
    assert made[0] != made[1]


@pytest.mark.parametrize("sent", [b"a", b"x" * 128, b'!"#~{}\\', b"4bf92f35-77b3-4da6-a3ce-929d0e0e4736"])
def test_a_sane_one_is_kept_and_the_program_finds_it(server: ServerProcess, sent: bytes) -> None:
    reply = ask(server, POST, sent, WHOLE)
    assert reply.headers["x-request-id"] == sent.decode()
    assert reply.json()["choices"][0]["message"]["content"] == f"said {sent.decode()}"


@pytest.mark.parametrize("sent", [None, b"", b"x" * 129, b"a b", b"a\tb", "é".encode(), b"\xff"])
def test_any_other_is_replaced_for_the_program_too(server: ServerProcess, sent: bytes | None) -> None:
    reply = ask(server, POST, sent, WHOLE)
    (made,) = reply.headers.get_list("x-request-id")
    assert MADE.fullmatch(made)
    assert reply.json()["choices"][0]["message"]["content"] == f"said {made}"


def test_the_log_of_a_failure_names_it(server: ServerProcess) -> None:
    ask(server, POST, b"the-failed-one", FAIL)
    line = json.loads(server.wait_for(r'(?m)^.*"request_id": "the-failed-one", "traceback".*$')[0])
    assert (line["level"], line["logger"], line["message"]) == ("error", "mserve.program", "program program_0_0 failed")
    assert "RuntimeError: a secret of the operator" in line["traceback"]


def test_a_process_that_forks_gives_no_id_that_its_child_gives_too() -> None:
    code = "import os; from mserve.web.record import new_key; new_key(); os.fork() and os.wait(); print(new_key())"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    keys = told.stdout.split()
    assert len(keys) == len(set(keys)) == 2
    assert all(MADE.fullmatch(key) for key in keys)


def test_nobody_can_guess_the_ids_of_others_by_his_own() -> None:
    """They are all that stands between strangers where there are no API keys."""
    code = (
        "import os; from mserve.web.record import new_key; os.urandom = bytes;"
        "print({new_key() for _ in range(200)} == {'0' * 32})"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert told.stdout == "True\n"  # the system's own randomness is all that there is in them
