"""Runs that nobody waits for: they go on, and are found at any time."""

from typing import Any

import httpx
import pytest

from web.kept.asking import (
    Notes,
    asked,
    data_of,
    ended,
    followed,
    frames_of,
    in_background,
    make,
    read_until,
    refused,
    streamed,
    streaming,
    text_of,
    told,
    until,
)


def test_a_run_is_found_as_queued_then_as_in_progress_then_whole(here: httpx.Client, notes: Notes) -> None:
    name = in_background(here, "wait state-1")
    notes.wait_for("begun", "wait state-1")
    assert told(here.get(f"/responses/{name}"))["status"] == "queued"
    other = in_background(here, "gate state-2")
    begun = until(lambda: found if (found := told(here.get(f"/responses/{other}")))["output"] else None)
    assert (begun["status"], text_of(begun), begun["output"][0]["status"]) == ("in_progress", "before ", "in_progress")
    for gate in ("state-1", "state-2"):
        notes.open(gate)
    whole = ended(here, other)
    assert (whole["status"], text_of(whole), whole["completed_at"] > 0) == ("completed", "before after", True)
    assert text_of(ended(here, name)) == "after"


@pytest.mark.parametrize(
    ("prompt", "status", "more"),
    [
        ("say all of it", "completed", {"error": None}),
        ("cut", "incomplete", {"incomplete_details": {"reason": "max_output_tokens"}, "completed_at": None}),
        ("fail-late", "failed", {"completed_at": None}),
        ("fail", "failed", {"completed_at": None}),
    ],
)
def test_a_run_is_found_as_it_ended_on_either_server(
    here: httpx.Client, there: httpx.Client, prompt: str, status: str, more: dict[str, Any]
) -> None:
    name = in_background(here, prompt)
    whole = ended(here, name)
    assert whole["status"] == status
    assert {key: whole[key] for key in more} == more
    assert (whole["error"] is not None) == (status == "failed")
    assert "secret" not in str(whole)
    assert told(there.get(f"/responses/{name}")) == whole


def test_a_whole_answer_is_found_on_the_other_server_as_soon_as_it_is_told(
    here: httpx.Client, there: httpx.Client
) -> None:
    for number in range(10):
        whole = make(here, f"say {number}")
        assert told(there.get(f"/responses/{whole['id']}")) == whole


@pytest.mark.parametrize("background", [False, True])
def test_a_streamed_answer_is_found_on_the_other_server_as_soon_as_it_has_ended(
    here: httpx.Client, there: httpx.Client, *, background: bool
) -> None:
    for prompt in ("all", "cut", "fail-late"):
        last = data_of(streamed(here, prompt, background=background)[-1])["response"]
        assert told(there.get(f"/responses/{last['id']}")) == last


def test_a_stream_in_the_background_tells_its_id_at_once_and_goes_on_when_its_client_leaves(
    here: httpx.Client, notes: Notes
) -> None:
    body = asked("wait alone", stream=True, background=True)
    with streaming(here, "POST", "/responses", json=body, headers={"X-Mserve-Grace-Period": "60"}) as pieces:
        head = read_until(pieces, "response.in_progress")
    name = data_of(frames_of(head.split("\n\n")[0] + "\n\n")[0])["response"]["id"]
    notes.open("alone")
    assert text_of(ended(here, name)) == "after"
    assert notes.noted("cancelled", "wait alone") == 0


def test_without_background_a_run_ends_with_its_client_and_is_found_as_cancelled(
    here: httpx.Client, notes: Notes
) -> None:
    with streaming(here, "POST", "/responses", json=asked("gate never-1", stream=True)) as pieces:
        head = read_until(pieces, "before ")
    notes.wait_for("cancelled", "gate never-1")
    name = data_of(frames_of(head.split("\n\n")[0] + "\n\n")[0])["response"]["id"]
    whole = ended(here, name)
    assert (whole["status"], text_of(whole), whole["output"][0]["status"]) == ("cancelled", "before ", "incomplete")


def test_who_wants_nothing_kept_gets_an_answer_that_nobody_finds(here: httpx.Client) -> None:
    whole = make(here, "say it", store=False)
    assert (text_of(whole), whole["store"]) == ("it", False)
    assert refused(here.get(f"/responses/{whole['id']}"), 404) == "not_found"
    assert refused(here.post("/responses", json=asked("x", store=False, background=True)), 400, "background") == "None"


@pytest.mark.parametrize("name", ["resp_nothing", "nothing", "resp_", "chatcmpl-1", "resp_%00", "resp_\N{SNOWMAN}"])
def test_what_is_not_there_is_a_404_for_whatever_is_asked_of_it(here: httpx.Client, name: str) -> None:
    for path in (f"/responses/{name}", f"/responses/{name}?stream=true", f"/responses/{name}/input_items"):
        assert refused(here.get(path), 404) == "not_found"
    assert refused(here.post(f"/responses/{name}/cancel"), 404) == "not_found"
    assert refused(here.delete(f"/responses/{name}"), 404) == "not_found"


def test_a_response_that_was_followed_from_its_start_is_what_was_streamed(here: httpx.Client) -> None:
    frames = streamed(here, "all", background=True)
    assert followed(here, data_of(frames[0])["response"]["id"]) == frames


def test_a_response_has_one_name_alone(here: httpx.Client) -> None:
    name = make(here, "say it")["id"]
    for other in (name.removeprefix("resp_"), name.replace("resp_", "chatcmpl-"), name.upper(), f"{name}0"):
        assert refused(here.get(f"/responses/{other}"), 404) == "not_found"
