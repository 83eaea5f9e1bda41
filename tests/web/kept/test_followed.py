"""Streams of kept runs, read again from any event on, on any server, while they go on and afterwards."""

import asyncio
import time
from pathlib import Path
from typing import Literal

import httpx
import pytest

from mserve.store.base import End
from mserve.store.opening import open_store
from store.stored import a_run, append
from web.kept.asking import (
    Notes,
    asked,
    data_of,
    ended,
    error_of,
    followed,
    frames_of,
    in_background,
    make,
    read_until,
    refused,
    rows,
    streamed,
    streaming,
    text_of,
    told,
    until,
)


def identity(frames: list[str]) -> str:
    return str(data_of(frames[0])["response"]["id"])


def test_a_stream_is_read_again_behind_any_of_its_events_to_the_byte(here: httpx.Client, there: httpx.Client) -> None:
    frames = streamed(here, "all")
    name = identity(frames)
    assert [data_of(frame)["sequence_number"] for frame in frames] == list(range(len(frames)))
    assert followed(here, name) == followed(there, name, -1) == frames
    for number in range(len(frames)):
        assert followed((here, there)[number % 2], name, number) == frames[number + 1 :]


@pytest.mark.parametrize("prompt", ["fail-late", "cut", "say it"])
def test_a_stream_is_read_again_however_it_ended(here: httpx.Client, there: httpx.Client, prompt: str) -> None:
    frames = streamed(here, prompt)
    assert followed(there, identity(frames)) == frames


@pytest.mark.parametrize(("status", "said"), [("failed", True), ("cancelled", False)])
def test_an_answer_whose_last_word_was_never_written_is_not_told_as_whole(
    here: httpx.Client, shared: Path, status: Literal["failed", "cancelled"], said: bool
) -> None:
    key = f"last0{status}"

    async def end_in_silence() -> None:
        store = open_store(f"sqlite:///{shared}/runs.db")
        await store.open()
        await store.begin(a_run(key, owner="", body=b'{"input":"x"}'))
        await store.write([*([append(key, 0, "half")] if said else []), End(key, status, int(time.time()))])
        await store.close()

    asyncio.run(end_in_silence())
    body = told(here.get(f"/responses/resp_{key}"))
    assert (body["status"], text_of(body), body["completed_at"]) == (status, "half" if said else "", None)
    assert (body["error"] is None) == (status == "cancelled")
    last = data_of(followed(here, f"resp_{key}")[-1])
    assert (last["type"], last["sequence_number"]) == ("response.failed", 5 if said else 2)
    assert last["response"] == body


def test_behind_the_last_event_there_is_nothing(here: httpx.Client) -> None:
    frames = streamed(here, "say it")
    for number in (len(frames) - 1, len(frames), 10**30):
        answer = here.get(f"/responses/{identity(frames)}", params={"stream": "true", "starting_after": str(number)})
        assert (answer.status_code, answer.text.replace(": ping\n\n", "")) == (200, "")


def test_the_header_of_browsers_says_the_same_and_the_query_comes_first(here: httpx.Client) -> None:
    frames = streamed(here, "say it")
    assert followed(here, identity(frames), last_id="3") == frames[4:]
    assert followed(here, identity(frames), 1, last_id="3") == frames[2:]


@pytest.mark.parametrize("value", ["x", "-2", "", "1.5", "9" * 5000])
def test_a_place_that_makes_no_sense_is_refused(here: httpx.Client, value: str) -> None:
    path = f"/responses/{make(here, 'say it')['id']}"
    query = {"stream": "true"}
    refused(here.get(path, params=query | {"starting_after": value}), 400, "starting_after")
    refused(here.get(path, params=query, headers={"Last-Event-ID": value}), 400, "Last-Event-ID")


def test_a_wish_that_is_neither_a_stream_nor_none_is_refused(here: httpx.Client) -> None:
    whole = make(here, "say it")
    path = f"/responses/{whole['id']}"
    assert told(here.get(path, params={"stream": "false"})) == whole
    refused(here.get(path, params={"stream": "perhaps"}), 400, "stream")


@pytest.mark.parametrize("at", ["here", "there"])
def test_a_run_that_goes_on_is_followed_live(request: pytest.FixtureRequest, at: str, notes: Notes) -> None:
    started, client = request.getfixturevalue("here"), request.getfixturevalue(at)
    name = in_background(started, f"gate live-{at}")
    with streaming(client, "GET", f"/responses/{name}", params={"stream": "true"}) as pieces:
        seen = read_until(pieces, "before ")
        assert "after" not in seen
        notes.open(f"live-{at}")
        seen += read_until(pieces, "response.completed")
        seen += "".join(pieces)
    assert frames_of(seen) == followed(started, name)


@pytest.mark.parametrize("at", ["here", "there"])
def test_a_long_run_is_followed_without_a_gap(request: pytest.FixtureRequest, at: str) -> None:
    started, client = request.getfixturevalue("here"), request.getfixturevalue(at)
    frames = followed(client, in_background(started, f"steps 80 {at}"))
    assert [data_of(frame)["sequence_number"] for frame in frames] == list(range(len(frames)))
    assert text_of(data_of(frames[-1])["response"]) == "".join(f"{number} " for number in range(80))


def test_a_silent_stream_has_comments(there: httpx.Client, here: httpx.Client, notes: Notes) -> None:
    name = in_background(here, "gate silent")
    with streaming(there, "GET", f"/responses/{name}", params={"stream": "true"}) as pieces:
        seen = read_until(pieces, "before ")
        seen += read_until(pieces, ": ping\n\n")
        seen += read_until(pieces, ": ping\n\n")
        notes.open("silent")
        seen += "".join(pieces)
    assert frames_of(seen) == followed(here, name)
    headers = {"X-Mserve-Ping-Interval": "0"}
    refused(here.get(f"/responses/{name}?stream=true", headers=headers), 400, "x-mserve-ping-interval")


def test_who_leaves_a_followed_stream_ends_no_run(here: httpx.Client, there: httpx.Client, notes: Notes) -> None:
    name = in_background(here, "gate left")
    for client in (here, there):
        with streaming(client, "GET", f"/responses/{name}", params={"stream": "true"}) as pieces:
            read_until(pieces, "before ")
    notes.open("left")
    assert text_of(ended(there, name)) == "before after"
    assert notes.noted("cancelled", "gate left") == 0


def test_a_stream_whose_run_is_deleted_ends_with_an_error_that_is_no_event_of_the_run(
    here: httpx.Client, there: httpx.Client, notes: Notes
) -> None:
    name = in_background(here, "gate deleted")
    with (
        streaming(there, "GET", f"/responses/{name}", params={"stream": "true"}) as pieces,
        streaming(there, "GET", f"/responses/{name}", params={"stream": "true", "starting_after": "70"}) as later,
    ):
        seen = read_until(pieces, "before ")
        rows(notes.folder, "DELETE FROM mserve_runs WHERE key = ?", name.removeprefix("resp_"))
        *told, last = frames_of(seen + "".join(pieces))
        assert error_of(last) == ("response_deleted", data_of(told[-1])["sequence_number"])
        (last,) = frames_of("".join(later))
        assert error_of(last) == ("response_deleted", 70)
    notes.open("deleted")
    notes.wait_for("ended", "gate deleted")


def test_ten_clients_follow_one_run(here: httpx.Client, there: httpx.Client, notes: Notes) -> None:
    name = in_background(here, "gate crowd")
    path, query = f"/responses/{name}", {"stream": "true"}
    with (
        streaming(here, "GET", path, params=query) as first,
        streaming(there, "GET", path, params=query) as second,
        streaming(there, "GET", path, params=query | {"starting_after": "2"}) as third,
    ):
        seen = [read_until(pieces, "before ") for pieces in (first, second, third)]
        notes.open("crowd")
        seen = [begun + "".join(pieces) for begun, pieces in zip(seen, (first, second, third), strict=True)]
    assert frames_of(seen[0]) == frames_of(seen[1])
    assert frames_of(seen[0])[3:] == frames_of(seen[2])


def test_a_chat_completion_is_read_again_as_a_response(here: httpx.Client, there: httpx.Client) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "all"}], "stream": True}
    answer = here.post("/chat/completions", json=body, headers={"X-Mserve-On-Disconnect": "detach"})
    assert answer.text.endswith("data: [DONE]\n\n")
    name = answer.headers["x-mserve-response-id"]
    frames = followed(there, name)
    assert data_of(frames[-1])["response"] == told(here.get(f"/responses/{name}"))
    assert text_of(told(here.get(f"/responses/{name}"))) == "It is \u2028 sunny."


def test_a_slow_client_gets_all_of_a_long_stream(here: httpx.Client, notes: Notes) -> None:
    name = in_background(here, "many 30000 slow")
    notes.wait_for("ended", "many 30000 slow")
    with streaming(here, "GET", f"/responses/{name}", params={"stream": "true"}) as pieces:
        first = next(pieces)
        until(lambda: told(here.get(f"/responses/{name}"))["status"] == "completed")
        frames = frames_of(first + "".join(pieces))
    assert text_of(data_of(frames[-1])["response"]) == "".join(f"{number} " for number in range(30000))


def test_asked_for_nothing_but_its_head_it_is_answered(here: httpx.Client) -> None:
    whole = make(here, "say it")
    assert here.head(f"/responses/{whole['id']}").status_code == 200
    assert here.request("PUT", f"/responses/{whole['id']}", json=asked("x")).status_code == 405
