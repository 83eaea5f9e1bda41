"""Runs that go on when their client leaves, and are found again as responses, whatever the client spoke."""

from pathlib import Path

import httpx
import pytest

import mserve
from mserve.errors import StartupError
from mserve.options import Options
from web.kept.asking import (
    PROGRAM,
    Notes,
    Server,
    asked,
    chat,
    ended,
    followed,
    frames_of,
    hang_up,
    make,
    read_until,
    refused,
    streaming,
    text_of,
    told,
)

DETACH = {"X-Mserve-On-Disconnect": "detach"}


def test_a_chat_whose_client_leaves_goes_on_and_is_found_by_the_id_in_its_header(
    here: httpx.Client, there: httpx.Client, notes: Notes
) -> None:
    with here.stream("POST", "/chat/completions", json=chat("gate detached", stream=True), headers=DETACH) as answer:
        name = answer.headers["x-mserve-response-id"]
        read_until(answer.iter_text(), "before ")
    with streaming(there, "GET", f"/responses/{name}", params={"stream": "true"}) as pieces:
        seen = read_until(pieces, "before ")
        notes.open("detached")
        seen += "".join(pieces)
    assert frames_of(seen) == followed(here, name)
    body = ended(there, name)
    assert (body["id"], body["status"], text_of(body)) == (name, "completed", "before after")


@pytest.mark.parametrize("path", ["/chat/completions", "/completions"])
def test_a_whole_answer_tells_where_it_is_found(here: httpx.Client, there: httpx.Client, path: str) -> None:
    body = chat("say it") | {"prompt": "say it"}
    answer = here.post(path, json=body, headers=DETACH)
    name = answer.headers["x-mserve-response-id"]
    assert answer.json()["id"].partition("-")[2] == name.partition("_")[2]
    assert text_of(told(there.get(f"/responses/{name}"))) == "it"


def test_a_failure_tells_where_it_is_found_too(here: httpx.Client) -> None:
    for stream in (False, True):
        answer = here.post("/chat/completions", json=chat("fail", stream=stream), headers=DETACH)
        assert answer.status_code == 500
        assert told(here.get(f"/responses/{answer.headers['x-mserve-response-id']}"))["status"] == "failed"


def test_what_nobody_wants_kept_is_not(here: httpx.Client) -> None:
    assert "x-mserve-response-id" not in here.post("/chat/completions", json=chat("say it")).headers
    assert "x-mserve-response-id" not in here.post("/responses", json=asked("say it"), headers=DETACH).headers


def test_a_response_that_is_not_to_be_stored_is_where_its_run_shall_go_on(here: httpx.Client, notes: Notes) -> None:
    body = make(here, "say it")
    assert told(here.get(f"/responses/{body['id']}")) == body
    detached = told(here.post("/responses", json=asked("say it", store=False), headers=DETACH))
    assert told(here.get(f"/responses/{detached['id']}")) == detached
    hang_up(
        here,
        "/responses",
        asked("gate unstored"),
        after=lambda: notes.wait_for("begun", "gate unstored"),
        X_Mserve_On_Disconnect="detach",
    )
    notes.open("unstored")
    notes.wait_for("ended", "gate unstored")


def test_the_operator_may_want_it_for_all(tmp_path: Path) -> None:
    with Server(tmp_path, "--on-disconnect", "detach") as server:
        answer = server.client.post("/chat/completions", json=chat("say it"))
        assert text_of(told(server.client.get(f"/responses/{answer.headers['x-mserve-response-id']}"))) == "it"
        other = server.client.post(
            "/chat/completions", json=chat("say it"), headers={"X-Mserve-On-Disconnect": "cancel"}
        )
        assert "x-mserve-response-id" not in other.headers


def test_a_program_may_want_it_for_itself(tmp_path: Path) -> None:
    marked = PROGRAM.replace(
        "async def serve(", "import mserve\n\n\n@mserve.served(on_disconnect='detach')\nasync def serve("
    )
    (tmp_path / "program.py").write_text(marked)
    notes = Notes(tmp_path)
    with Server(tmp_path) as server:
        hang_up(
            server.client,
            "/chat/completions",
            chat("gate own"),
            after=lambda: notes.wait_for("begun", "gate own"),
        )
        notes.open("own")
        notes.wait_for("ended", "gate own")


async def test_where_nothing_is_kept_nobody_may_want_it() -> None:
    @mserve.served(on_disconnect="detach")
    def marked() -> str:
        return "it"

    def plain() -> str:
        return "it"

    with pytest.raises(StartupError, match=r"program marked .* there is no store"):
        mserve.create_app(marked)
    with pytest.raises(StartupError, match=r"the server .* there is no store"):
        mserve.create_app(plain, options=Options(on_disconnect="detach"))
    host = httpx.ASGITransport(app=mserve.create_app(plain))
    async with httpx.AsyncClient(transport=host, base_url="http://host/v1") as client:
        answer = await client.post("/chat/completions", json=chat("x"), headers=DETACH)
        assert refused(answer, 400, "x-mserve-on-disconnect") == "store_disabled"
