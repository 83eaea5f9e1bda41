"""A store that cannot be opened, read or written: what has to be kept is refused at once, and all else goes on."""

import contextlib
import threading
import time
from pathlib import Path

import httpx
import pytest

from mserve.errors import StartupError
from mserve.options import Options
from mserve.web.app import create_app
from web.kept.asking import (
    Notes,
    Server,
    asked,
    chat,
    data_of,
    ended,
    followed,
    frames_of,
    in_background,
    make,
    read_until,
    refused,
    streaming,
    text_of,
    told,
    until,
)


def assert_unavailable(answer: httpx.Response) -> None:
    assert refused(answer, 503) == "store_unavailable"
    assert answer.headers["retry-after"] == "1"
    assert "runs.db" not in answer.text


def assert_all_is_refused_that_has_to_be_kept(client: httpx.Client) -> None:
    detach = {"X-Mserve-On-Disconnect": "detach"}
    assert_unavailable(client.post("/responses", json=asked("say it")))
    assert_unavailable(client.post("/responses", json=asked("say it", stream=True)))
    assert_unavailable(client.post("/responses", json=asked("say it", background=True)))
    assert_unavailable(client.post("/chat/completions", json=chat("say it"), headers=detach))
    assert_unavailable(client.post("/chat/completions", json=chat("say it"), headers={"Idempotency-Key": "1"}))
    assert_unavailable(client.post("/conversations", json={}))


def assert_all_else_is_answered(client: httpx.Client) -> None:
    assert told(client.post("/chat/completions", json=chat("say it")))["choices"][0]["message"]["content"] == "it"
    assert text_of(make(client, "say it", store=False)) == "it"
    answer = client.post("/responses", json=asked("say it", store=False, stream=True))
    assert text_of(data_of(frames_of(answer.text)[-1])["response"]) == "it"


def test_a_store_that_cannot_be_opened_is_tried_again_at_the_next_request(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("no folder")
    with Server(tmp_path, store=f"sqlite:///{tmp_path}/folder/runs.db") as server:
        assert_all_is_refused_that_has_to_be_kept(server.client)
        assert_unavailable(server.client.get("/responses/resp_1"))
        assert_unavailable(server.client.post("/responses", json=asked("x", previous_response_id="resp_1")))
        assert_all_else_is_answered(server.client)
        server.wait_for("the store cannot be opened: the store .*folder/runs.db: ")
        assert server.output.count("the store cannot be opened") == 1  # however many ask for it
        (tmp_path / "folder").unlink()
        body = make(server.client, "say it")
        assert told(server.client.get(f"/responses/{body['id']}")) == body


@pytest.mark.parametrize("store", ["/hush.db", "mysql://user:hush@host/runs", "sqlite:///", "sqlite://"])
def test_an_app_does_not_start_with_what_can_never_be_a_store(store: str) -> None:
    with pytest.raises(StartupError, match=r"a store (is at|in SQLite is a file:) sqlite:///path") as told:
        create_app(lambda: "it", names=["it"], options=Options(store=store))
    assert "hush" not in str(told.value)


def test_a_file_that_is_no_store_is_told_at_the_start_and_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "runs.db").write_text("no database, but a text that is longer than nothing" * 100)
    with Server(tmp_path) as server:
        server.wait_for("the store cannot be opened: the store .*runs.db: file is not a database")
        assert_all_is_refused_that_has_to_be_kept(server.client)
        assert_all_else_is_answered(server.client)
        assert "Traceback" not in server.output


def disk(client: httpx.Client, size: int) -> None:
    """Let files grow to so many bytes, and no further."""
    told(client.post("/chat/completions", json=chat(f"disk {size}")))


def test_a_full_disk_refuses_what_is_new_and_what_goes_on_is_whole_once_there_is_room(tmp_path: Path) -> None:
    notes = Notes(tmp_path)
    with Server(tmp_path) as server:
        client = server.client
        whole = make(client, "say it")
        talk = told(client.post("/conversations", json={}))["id"]
        hidden = in_background(client, "gate hidden", conversation=talk)
        with streaming(client, "POST", "/responses", json=asked("gate shown", stream=True)) as pieces:
            seen = read_until(pieces, "before ")
            shown = data_of(seen.split("\n\n")[0])["response"]["id"]
            until(lambda: text_of(told(client.get(f"/responses/{shown}"))))
            disk(client, 4000)
            assert_all_is_refused_that_has_to_be_kept(client)
            assert_unavailable(client.post(f"/conversations/{talk}", json={"metadata": {}}))
            assert_unavailable(client.delete(f"/responses/{whole['id']}"))
            assert_all_else_is_answered(client)
            assert told(client.get(f"/responses/{whole['id']}")) == whole
            for gate in ("hidden", "shown"):
                notes.open(gate)
            seen += "".join(pieces)  # it ends for who reads it, though its end cannot be written yet
        assert data_of(frames_of(seen)[-1])["type"] == "response.completed"
        server.wait_for("What runs say is kept in memory until it can be written: ")
        server.wait_for("the store does not answer: ")
        since = time.monotonic()
        until(lambda: time.monotonic() > since + 1.2)  # it is asked in vain again
        assert told(client.get(f"/responses/{hidden}"))["status"] == "in_progress"
        disk(client, 2**40)
        server.wait_for("The store can be written again, after ", 20)
        assert text_of(ended(client, hidden)) == "before after"
        assert followed(client, shown) == frames_of(seen)
        assert len(told(client.get(f"/conversations/{talk}/items"))["data"]) == 2
        assert text_of(make(client, "say it")) == "it"
        assert server.output.count("the store does not answer: ") == 1
        assert "Traceback" not in server.output


def test_a_store_that_is_lost_ends_nothing_that_needs_none(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        name = make(server.client, "say it")["id"]
        spoil(tmp_path)
        assert_unavailable(server.client.get(f"/responses/{name}"))
        assert_unavailable(server.client.get(f"/responses/{name}?stream=true"))
        assert_unavailable(server.client.post("/responses", json=asked("x", previous_response_id=name)))
        assert_unavailable(server.client.post("/responses", json=asked("x", previous_response_id=name, store=False)))
        assert_all_else_is_answered(server.client)


def spoil(folder: Path) -> None:
    """Make the store's files unreadable for whoever has them open."""
    for file in folder.glob("runs.db*"):
        file.write_bytes(b"no database" * 5000)


def test_a_server_ends_while_its_store_is_opened(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        opening = threading.Thread(target=in_vain, args=(server,))
        opening.start()
        assert server.stop() == 0
        opening.join()
        assert "Traceback" not in server.output


def in_vain(server: Server) -> None:
    with contextlib.suppress(httpx.HTTPError):
        httpx.post(f"{server.base_url}/responses", json=asked("say it"))
